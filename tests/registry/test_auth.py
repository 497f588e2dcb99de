"""Who gets our key's proof and our tokens, and who does not."""

import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from plain_client import PlainClient, digest_of, public_text, token
from wire_faults import Redirect, Say, challenge

from ollama_nb.errors import ManifestNotPulled, OllamaError, RegistryError, UnusableKey
from ollama_nb.registry.keys import own_key

WEIGHTS = bytes(range(256)) * 1000
DIGEST = digest_of(WEIGHTS)


@pytest.fixture
def name(plain, guarded, repository):
    """A model behind a token."""
    plain.push_model(f"{repository}:latest", model=WEIGHTS)
    return f"{guarded.proxy.host}/{repository}:latest"


def test_a_pull_with_a_new_key(puller, guarded, name, home):
    puller.pull(name)
    puller.check()
    (request,) = guarded.tokens.requests
    assert not request.wrong
    path = home / ".ollama" / "id_ed25519"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    public = path.with_suffix(".pub").read_text()
    assert public == f"ssh-ed25519 {request.key}\n"
    assert load_ssh_public_key(public.encode())
    assert {each.name for each in path.parent.iterdir()} == {"id_ed25519", "id_ed25519.pub"}
    assert public_text(own_key().private) == request.key


def test_an_existing_key_is_used(puller, guarded, name, home):
    path = home / ".ollama" / "id_ed25519"
    path.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    guarded.tokens.keys = {path.with_suffix(".pub").read_text().split()[1]}
    before = path.read_bytes()
    puller.pull(name)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (["-t", "ecdsa", "-N", ""], "not of the kind ed25519$"),
        (["-t", "ed25519", "-N", "secret"], "no unencrypted OpenSSH key$"),
        (None, "no unencrypted OpenSSH key$"),
    ],
)
def test_a_key_that_is_none(puller, name, home, make, says):
    path = home / ".ollama" / "id_ed25519"
    path.parent.mkdir()
    if make:
        subprocess.run(["ssh-keygen", "-q", *make, "-f", path], check=True)
    else:
        path.write_text("nonsense")
    before = path.read_bytes()
    with pytest.raises(ManifestNotPulled, match=says) as caught:
        puller.pull(name)
    assert isinstance(caught.value.__cause__, UnusableKey)
    assert path.read_bytes() == before


def test_many_make_one_key(home):
    with ThreadPoolExecutor(8) as pool:
        keys = {key.public for key in pool.map(lambda _: own_key(), range(8))}
    assert len(keys) == 1
    assert (home / ".ollama/id_ed25519.pub").read_text().split()[1] in keys


def test_one_token_serves_a_whole_pull(puller, guarded, name):
    puller.pull(name)
    assert len(guarded.tokens.requests) == 1
    assert len(guarded.proxy.seen("/blobs/")) == 4  # three parts, and the config
    assert all(each.header("Authorization") for each in guarded.proxy.seen("/blobs/"))


def test_a_token_that_expires_on_the_way(puller, guarded, name):
    says = {"WWW-Authenticate": f'Bearer realm="{guarded.realm}",service="registry",scope="s:s:s"'}
    guarded.proxy.on(DIGEST, Say(401, says), times=1)
    with pytest.raises(OllamaError):  # a token for another scope is none
        puller.pull(name)
    guarded.proxy.forget()
    guarded.proxy.on(DIGEST, challenge(guarded.realm, _scope(name)), times=1)
    puller.pull(name)
    assert len(guarded.tokens.requests) == 4
    puller.check()


def _scope(name):
    return f"repository:{name.partition('/')[2].rpartition(':')[0]}:pull"


def test_pushing_asks_for_more(puller, guarded, name, repository):
    puller.pull(name)
    guarded.tokens.requests.clear()
    puller.copy(name, f"{guarded.proxy.host}/{repository}-2")
    puller.push(f"{guarded.proxy.host}/{repository}-2")
    scopes = [scope for request in guarded.tokens.requests for scope in request.scopes]
    assert f"repository:{repository}-2:pull,push" in scopes


def test_an_unknown_key(puller, guarded, name):
    guarded.tokens.keys = set()
    with pytest.raises(RegistryError) as caught:
        puller.pull(name)
    key = guarded.tokens.requests[0].key
    assert str(caught.value) == (
        f'pull model manifest: unauthorized: unknown ollama key "ssh-ed25519 {key}"'
    )


def test_a_token_that_does_not_suffice(puller, guarded, name):
    guarded.tokens.actions = set()
    with pytest.raises(RegistryError, match=r"unauthorized: access denied$"):
        puller.pull(name)
    assert len(guarded.proxy.seen("/manifests/")) == 2


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{}", "the registry gave no token$"),
        (b" ", "the registry gave no token$"),
        (b'{"token":7}', "the registry gave no token$"),
        (b'{"token":"a\\nb: c"}', "the registry gave no token$"),
        (b'{"token":"' + b"x" * 70_000 + b'"}', "longer than 65,536 bytes$"),
        (b"[" * 60_000, "the registry gave no token$"),
    ],
)
def test_answers_without_a_token(puller, guarded, name, body, says):
    guarded.tokens.body = body
    with pytest.raises(RegistryError, match=says):
        puller.pull(name)


def test_a_realm_elsewhere_gets_nothing(puller, guarded, elsewhere, name):
    guarded.proxy.on("/manifests/", challenge(f"{elsewhere.url}/token"))
    with pytest.raises(RegistryError, match=re.escape(f'realm host "{elsewhere.host}" does not')):
        puller.pull(name)
    assert not elsewhere.seen()
    guarded.proxy.forget()
    same_machine = guarded.proxy.url_as("localhost")
    guarded.proxy.on("/manifests/", challenge(f"{same_machine}/token"))
    with pytest.raises(RegistryError, match='realm host "localhost:'):
        puller.pull(name)
    assert not guarded.proxy.seen("/token")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_takes_no_token_along(puller, guarded, elsewhere, name, status):
    guarded.proxy.on(DIGEST, Redirect(elsewhere.url_as("localhost"), status))
    puller.pull(name)
    puller.check()
    seen = elsewhere.seen(DIGEST)
    assert len(seen) == 3
    assert {each.header("Authorization") for each in seen} == {None}
    assert all(each.header("Authorization") for each in guarded.proxy.seen(DIGEST))


def test_a_link_that_has_expired_is_asked_for_again(puller, guarded, elsewhere, name):
    guarded.proxy.on(DIGEST, Redirect(elsewhere.url_as("localhost")))
    elsewhere.on(DIGEST, Say(403), times=2)
    elsewhere.on(DIGEST, challenge(f"{elsewhere.url}/token"), times=1)
    puller.pull(name)
    puller.check()
    assert len(guarded.proxy.seen(DIGEST)) == 6
    assert not elsewhere.seen("/token")


def test_a_redirect_to_https_is_followed_and_never_back(puller, guarded, name):
    guarded.proxy.on(DIGEST, Redirect("https://127.0.0.1:1"))
    with pytest.raises(RegistryError, match=r"cannot reach 127\.0\.0\.1:1: Connection refused"):
        puller.pull(name)


def test_the_plain_client_agrees_on_the_signature(guarded, home):
    """Our key file serves the other implementation as well."""
    key = own_key().private
    reply = token(guarded.proxy.host, guarded.realm, "repository:library/x:pull", key)
    assert reply.status == 200
    assert PlainClient(guarded.proxy.host, reply.json()["token"]).send("GET", "/v2/").status == 200
