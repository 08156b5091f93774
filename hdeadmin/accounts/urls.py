"""Coming in, one's own account, and who else may come in."""

from allauth.account import views as entrance
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.urls import path
from django.views.decorators.http import require_POST

from hdeadmin.accounts.administration import site
from hdeadmin.accounts.views import account, invitation, sso, users

# allauth finds its own pages by these names. Of its pages, those that nobody here needs are left out: signing up,
# addresses to confirm, passwords by e-mail.
urlpatterns = [
    path("login/", entrance.login, name="account_login"),
    path("logout/", require_POST(entrance.logout), name="account_logout"),
    path("account/", account.account, name="account"),
    path("account/inactive/", entrance.account_inactive, name="account_inactive"),
    path("account/confirm/", entrance.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.ChangePassword.as_view(), name="account_change_password"),
    path("account/factors/", factors.index, name="mfa_index"),
    path("account/factors/sign-in/", factors.authenticate, name="mfa_authenticate"),
    path("account/factors/confirm/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("account/factors/app/add/", totp.activate_totp, name="mfa_activate_totp"),
    path("account/factors/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/factors/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/factors/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/factors/passkeys/add/", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path(
        "account/factors/passkeys/confirm/",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("account/factors/passkeys/sign-in/", account.SignInByPasskey.as_view(), name="mfa_login_webauthn"),
    path(
        "account/factors/passkeys/<int:pk>/name/", account.RenamePasskey.as_view(), name="mfa_edit_webauthn"
    ),
    path(
        "account/factors/passkeys/<int:pk>/remove/",
        account.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("account/sessions/", account.Sessions.as_view(), name="usersessions_list"),
    path("account/sessions/<int:pk>/end/", account.end_session, name="end-session"),
    path("account/invitation/<str:uid>/<str:token>/", invitation.follow, name="invitation"),
    path("account/welcome/", invitation.welcome, name="welcome"),
    path("people/", users.listed, name="people"),
    path("people/invite/", users.invite, name="invite"),
    path("people/sign-out/", users.sign_everybody_out, name="sign-everybody-out"),
    path("people/<int:pk>/", users.person, name="person"),
    path("people/<int:pk>/<slug:action>/", users.change, name="change-person"),
    path("admin/", site.urls),
]

if settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]:
    urlpatterns += [
        path("account/sso/", sso.begin, name="sso"),
        path("account/sso/callback/", sso.callback, name="sso-callback"),
        path("account/sso/cancelled/", sso.cancelled, name="socialaccount_login_cancelled"),
        path("account/sso/<int:pk>/unlink/", account.unlink, name="unlink"),
    ]
