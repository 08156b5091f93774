"""Opening one's account by the link of an invitation."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from hdeadmin.accounts import invitations
from hdeadmin.audit.log import record

_LINK = "invitation"


class AcceptForm(forms.Form):
    """A name, and a password twice."""

    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    password1 = forms.CharField(
        max_length=4096, strip=False, error_messages={"required": "Choose a password."}
    )
    password2 = forms.CharField(
        max_length=4096, strip=False, error_messages={"required": "Type the password again."}
    )

    def __init__(self, user: User, data: Any = None) -> None:
        self.user = user
        super().__init__(data, initial={"first_name": user.first_name, "last_name": user.last_name})

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, second = values.get("password1"), values.get("password2")
        if first and second and first != second:
            self.add_error("password2", "That is not the same password.")
        elif first:
            self.user.first_name, self.user.last_name = (
                values.get("first_name", ""),
                values.get("last_name", ""),
            )
            try:
                password_validation.validate_password(first, self.user)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return values


@login_not_required
@require_safe
def follow(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Take the link into the session, so that it stands in no address, history or log from here on."""
    # One that opens nothing begins no session, whose row anybody could have us keep.
    if invitations.invited(uid, token) is not None:
        request.session[_LINK] = [uid, token]
    else:
        request.session.pop(_LINK, None)
    return redirect("welcome")


@login_not_required
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """The form, and what becomes of it: the password is set, and the person signed in."""
    link = request.session.get(_LINK)
    user = invitations.invited(*link) if link else None
    if user is None:
        return render(request, "access/invitation_over.html", status=410)
    first = invitations.is_waiting(user)
    form = AcceptForm(user, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(
            request,
            "access/welcome.html",
            {"form": form, "person": user, "first": first},
            status=422 if form.is_bound else 200,
        )
    values = form.cleaned_data
    if not invitations.accept(
        user, password=values["password1"], first_name=values["first_name"], last_name=values["last_name"]
    ):
        return render(request, "access/invitation_over.html", status=410)
    del request.session[_LINK]
    user.refresh_from_db()
    record("invitation-accepted" if first else "password-changed", request=request, user=user)
    # Whoever has a second factor is asked for it, as at any sign-in.
    response: HttpResponse = perform_password_login(request, {"username": user.username}, Login(user=user))
    return response
