"""The OpenID Connect provider: what we ask it, and what it must prove. allauth finds it by this module's name."""

import hashlib
import secrets
from typing import Any

import jwt
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

# Signatures by a key pair only: with a shared secret, or none, whoever reads the public key could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY = 30  # seconds that clocks may differ


class Refused(OAuth2Error):  # type: ignore[misc]
    """What the provider sent proves nothing."""


class Exchange(OAuth2Adapter):  # type: ignore[misc]
    """One sign-in's talk with the provider.

    Every method raises `Refused`, or `requests.RequestException` where the provider does not answer.
    """

    provider_id = "sso"
    # What this sign-in must find in its token again; set when its state is taken from the session.
    nonce = ""

    @property
    def configuration(self) -> dict[str, Any]:
        """The provider's own account of itself, read once."""
        if not hasattr(self, "_configuration"):
            issuer: str = self.get_provider().app.settings["server_url"]
            found = _read_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            # Otherwise one provider could speak for another.
            if found.get("issuer") != issuer:
                raise Refused(f"The provider calls itself {found.get('issuer')!r}, not {issuer!r}.")
            self._configuration = found
        return self._configuration

    @property
    def authorize_url(self) -> str:
        return self._endpoint("authorization_endpoint")

    @property
    def access_token_url(self) -> str:
        return self._endpoint("token_endpoint")

    @property
    def basic_auth(self) -> bool:
        # Its absence means Basic, by OpenID Connect Discovery 1.0, section 3.
        methods = self.configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_post" not in methods and "client_secret_basic" in methods

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        url: str = build_absolute_uri(request, reverse("sso-callback"))
        return url

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> Any:
        claims = self._claims_of(kwargs["response"].get("id_token") or "", app.client_id)
        if "email" not in claims or (settings.HDEADMIN_OIDC_ROLES and groups_in(claims) is None):
            told = self._told_of(token.token, claims["sub"])
            if "email" in claims:
                # It may tell of another address that this one is verified.
                told.pop("email_verified", None)
            claims = {**told, **claims}
        return self.get_provider().sociallogin_from_response(request, claims)

    def _endpoint(self, name: str) -> str:
        try:
            return str(self.configuration[name])
        except KeyError as error:
            raise Refused(f"The provider names no {name}.") from error

    def _claims_of(self, id_token: str, client_id: str) -> dict[str, Any]:
        """The claims of a token that the provider signed, now, for us, and for this sign-in."""
        try:
            key_id = jwt.get_unverified_header(id_token).get("kid")
            keys = jwt.PyJWKSet.from_dict(_read_json(self._endpoint("jwks_uri"))).keys
            fitting = [key for key in keys if key.key_id == key_id] if key_id else keys
            if len(fitting) != 1:
                raise Refused("The token is signed by none of the provider's keys.")
            claims: dict[str, Any] = jwt.decode(
                id_token,
                fitting[0],
                algorithms=_ALGORITHMS,
                audience=client_id,
                issuer=self.configuration["issuer"],
                leeway=_LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            raise Refused(f"The token is not to be trusted: {error}") from error
        if not self.nonce or not secrets.compare_digest(str(claims.get("nonce", "")), self.nonce):
            raise Refused("The token is of another sign-in.")
        # With several audiences, OpenID Connect Core 1.0, section 3.1.3.7, has it say which of them asked.
        if claims.get("azp", client_id) != client_id:
            raise Refused("The token is for another client.")
        return claims

    def _told_of(self, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider tells of the person beyond the token; nothing where it has no such page."""
        url = self.configuration.get("userinfo_endpoint")
        if not url:
            return {}
        told = _read_json(str(url), {"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != subject:
            raise Refused("The provider told of somebody else.")
        return told


class OpenIDConnect(OAuth2Provider):  # type: ignore[misc]
    """The one provider, of HDEADMIN_OIDC_ISSUER."""

    id = "openid_connect"
    name = "OpenID Connect"
    account_class = ProviderAccount
    oauth2_adapter_class = Exchange

    def __init__(self, request: HttpRequest, app: SocialApp | None = None) -> None:
        super().__init__(request, app=app)
        self.name = self.app.name

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        # Neither scopes nor parameters of the browser's choice: it could leave the nonce out.
        nonce = secrets.token_urlsafe(24)
        response: HttpResponse = super().redirect(
            request,
            process,
            next_url,
            data,
            auth_params={"nonce": nonce},
            scope=self.get_scope(),
            nonce=nonce,
        )
        return response

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        return reverse("sso")

    def get_callback_url(self) -> str:
        return reverse("sso-callback")

    def extract_uid(self, data: dict[str, Any]) -> str:
        # A subject means something with its issuer only; together they can be longer than the column.
        return hashlib.sha256(f"{data['iss']}\0{data['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        # Kept, so no more than tells an administrator whose identity it is.
        kept = ("iss", "sub", "email", "name", "preferred_username")
        return {name: data[name] for name in kept if name in data}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "email": data.get("email"),
            "username": data.get("preferred_username"),
            "name": data.get("name"),
            "first_name": data.get("given_name"),
            "last_name": data.get("family_name"),
        }

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        return []

    def sociallogin_from_response(self, request: HttpRequest, response: dict[str, Any]) -> Any:
        login = super().sociallogin_from_response(request, response)
        login.claims = response
        return login


def groups_in(claims: dict[str, Any]) -> set[str] | None:
    """The person's groups by the claim that HDEADMIN_OIDC_GROUPS_CLAIM names; None where there is no such claim."""
    found: Any = claims
    whole = settings.HDEADMIN_OIDC_GROUPS_CLAIM
    # The claim's name may hold dots itself, as https://acme.example/groups does.
    for name in [whole] if whole in claims else whole.split("."):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return {str(group) for group in found} if isinstance(found, list) else {str(found)}


def _read_json(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer: requests.Response = session.get(url, headers=headers)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise Refused(f"{url} did not answer with an object.")
    return found


provider_classes = [OpenIDConnect]
