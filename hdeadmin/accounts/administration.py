"""Django's admin, for users and groups only, behind our own sign-in and second factor."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth import logout
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator

from hdeadmin.audit.log import record
from hdeadmin.permissions.permissions import ROLES, can


class Administration(AdminSite):
    """A site of its own: what libraries register with Django's is not shown. It has no way in or out of its own."""

    site_header = site_title = "hdeadmin"
    index_title = "Users and groups"
    site_url = "/"
    enable_nav_sidebar = False
    final_catch_all_view = False

    def has_permission(self, request: HttpRequest) -> bool:
        return can(request.user, None, "administer")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                record("denied", request=request, result="denied", details={"page": request.path})
                raise PermissionDenied("To change users and groups, you need the right to administer.")
            if request.method not in ("GET", "HEAD", "POST"):
                return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
            return inner(request, *args, **kwargs)

        return guarded

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            logout(request)
        return redirect("account_login")

    def get_urls(self) -> list[Any]:
        without = {"autocomplete", "password_change", "password_change_done", "view_on_site"}
        return [url for url in super().get_urls() if getattr(url, "name", None) not in without]


class _Guarded(ModelAdmin):  # type: ignore[type-arg]
    """Whoever may administer may do all that is shown here; Django's own permissions say nothing."""

    # One at a time, each with its entry in the trail.
    actions = None

    def get_urls(self) -> list[URLPattern]:
        # Without the one that stands for an address of Django 1.8.
        return [url for url in super().get_urls() if url.name]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can(request.user, None, "administer")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return can(request.user, None, "administer")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, None, "administer")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, None, "administer")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, None, "administer")


class Users(_Guarded, UserAdmin):  # type: ignore[type-arg]
    """Names and e-mail. People are invited, disabled and given roles on their own pages, which tell the trail why."""

    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_active", "is_superuser", "groups")
    fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_superuser", "is_active", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    filter_horizontal = ()

    def get_urls(self) -> list[URLPattern]:
        without = {"auth_user_add", "auth_user_delete", "auth_user_password_change"}
        return [url for url in super().get_urls() if url.name not in without]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = ("is_active", "groups", "last_login", "date_joined")
        # Not of oneself either, so that there is always one left.
        own = obj is not None and obj.pk == request.user.pk
        return fixed if request.user.is_superuser and not own else ("is_superuser", *fixed)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The trail speaks of people by name; they are disabled instead.
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not above

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        super().save_model(request, obj, form, change)
        _tell(request, "person-changed", person=obj.username, person_id=obj.pk, fields=form.changed_data)


class Groups(_Guarded, GroupAdmin):
    """Groups beside the roles; what each may do is granted on the page of rights."""

    fields = ("name",)
    filter_horizontal = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_role(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The right to administer is taken away on the page of rights, which sees to it that somebody keeps it.
        kept = _is_role(obj) or (obj is not None and obj.grants.filter(action="administer").exists())
        return super().has_delete_permission(request, obj) and not kept

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _tell(request, "group-changed" if change else "group-added", group=obj.name)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        members: Iterable[str] = obj.user_set.values_list("username", flat=True)
        _tell(request, "group-deleted", group=obj.name, members=sorted(members))
        super().delete_model(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Its grants go with it, and no permission of their own is asked for that.
        deleted, counts, _, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(), protected


def _is_role(group: Group | None) -> bool:
    return group is not None and group.name in ROLES


def _tell(request: HttpRequest, action: str, **details: Any) -> None:
    # Django's admin saves within one transaction; the entry stands or falls with it.
    record(action, request=request, details=details, in_transaction=True)


site = Administration(name="admin")
site.register(User, Users)
site.register(Group, Groups)
