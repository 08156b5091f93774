"""Names of invented people, in the scripts that customers write theirs in."""

from random import Random

# (first names, last names) that go together.
_PEOPLE: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Grace", "Oliver", "Amelia", "Noah", "Harriet", "Desmond", "Ruth", "Callum"),
        ("Whitfield", "O’Connor", "Hughes", "Okafor", "Smith-Jones", "MacLeod", "Barnes", "Adeyemi"),
    ),
    (
        ("Jürgen", "Zoë", "Günther", "Käthe", "Björn", "Åsa", "Søren", "Þóra"),
        ("Müller", "Weiß", "Öztürk", "Ångström", "Sørensen", "Brønsted", "Groß", "Jónsdóttir"),
    ),
    (
        ("François", "Chloé", "Íñigo", "María José", "João", "Conceição", "Benoît", "Núria"),
        ("Lefèvre", "Muñoz", "Gonçalves", "Peña", "D’Almeida", "Château", "Ibáñez", "Araújo"),
    ),
    (
        ("Łukasz", "Żaneta", "Tomáš", "Květa", "Ștefan", "Ioana", "Đorđe", "Čedomila"),
        ("Wiśniewski", "Żółć", "Dvořák", "Šťastná", "Ionescu", "Țăranu", "Hadžić", "Kovačević"),
    ),
    (
        ("Nguyễn Thị", "Trần Văn", "Phạm Minh", "Lê Hoàng"),
        ("Hương", "Đức", "Quỳnh", "Phước"),
    ),
    (
        ("Αλέξανδρος", "Ελένη", "Γιώργος", "Δήμητρα", "Νίκος", "Χρυσάνθη"),
        ("Παπαδόπουλος", "Οικονόμου", "Βασιλείου", "Καραγιάννη", "Ζαχαρίας", "Λαμπράκη"),
    ),
    (
        ("Иван", "Ольга", "Дмитро", "Наталія", "Стефан", "Ђурђа", "Фёдор", "Галина"),
        ("Петров", "Иванова", "Шевченко", "Коваленко", "Николов", "Јовановић", "Щукин", "Цветкова"),
    ),
    (
        ("محمد", "فاطمة", "يوسف", "ليلى", "عبد الرحمن", "نور"),
        ("الحسيني", "العلي", "منصور", "بن سعيد", "الخطيب", "حداد"),
    ),
    (("דוד", "שרה", "יעקב", "רחל", "נועה", "אבנר"), ("כהן", "לוי", "בן־דוד", "מזרחי", "פרידמן", "שפירא")),
    (
        ("आरव", "प्रिया", "विक्रम", "सुनीता", "अनन्या", "कृष्ण"),
        ("शर्मा", "पटेल", "गुप्ता", "अय्यर", "त्रिपाठी", "सिंह"),
    ),
    (("伟", "秀英", "娜", "建国", "晓明", "𠮷安"), ("王", "李", "欧阳", "张", "陈", "司马")),
    (("太郎", "さくら", "健一", "美咲", "ユキ", "蓮"), ("山田", "渡邊", "髙橋", "佐藤", "小林", "齋藤")),
    (("민준", "서연", "지훈", "하은", "영숙", "도윤"), ("김", "이", "박", "최", "남궁", "황보")),
    (("สมชาย", "กัญญา", "ณัฐพล", "พิมพ์ใจ"), ("ศรีสุข", "ทองดี", "วงศ์สวัสดิ์", "จันทร์เพ็ญ")),
    (("გიორგი", "ნინო", "დავით"), ("ბერიძე", "მაისურაძე", "კაპანაძე")),
    (("Արամ", "Անահիտ", "Տիգրան"), ("Պետրոսյան", "Հակոբյան", "Սարգսյան")),
    (("Joy 🎈", "Max", "🦊", "Robin 👩🏽‍🚀"), ("Fox 🦊", "Sunshine ☀️", "von 🏔️", "🇪🇺 Europa")),
)


# Nobody's (RFC 2606, and numbers that are kept free for films).
_MAIL = ("example.com", "example.org", "example.net")


def contact(random: Random, first: str, last: str) -> dict[str, str]:
    """An e-mail address and a phone number that nobody has."""
    name = f"{first}.{last}".lower()
    local = name if name.isascii() and name.replace(".", "").isalpha() else f"u{random.randint(1000, 9999)}"
    return {
        "email": f"{local}@{random.choice(_MAIL)}",
        "phone": f"+44 20 7946 {random.randint(0, 999):04}",
    }


def person(random: Random) -> tuple[str, str]:
    """A first and a last name of one script. Half of the people have names in plain Latin letters."""
    first, last = _PEOPLE[0] if random.random() < 0.5 else random.choice(_PEOPLE)
    return random.choice(first), random.choice(last)
