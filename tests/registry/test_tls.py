"""Over TLS, as all registries outside are."""

import random
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fault_proxy import FaultProxy
from plain_client import digest_of
from pulls import HASTY, Puller, only_pauses_count
from wire_fault import Fault
from wire_faults import Cut, Redirect, Say, Stall

from ollama_nb.errors import RegistryError

WEIGHTS = random.Random(7).randbytes(350_000)
DIGEST = digest_of(WEIGHTS)


def write_certificate(folder, address="127.0.0.1", days=1):
    """A certificate that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ollama_nb tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{address}-{days}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return path


def secured(proxy, certificate):
    """The same proxy, over TLS. The handshake is made by the thread that answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    proxy.socket = context.wrap_socket(
        proxy.socket, server_side=True, do_handshake_on_connect=False
    )
    proxy.errors = _Ignored()
    return proxy


class _Ignored(list):
    """Failed handshakes are what some tests are about."""

    def append(self, error):
        if not isinstance(error, ssl.SSLError):
            super().append(error)


@pytest.fixture
def secure(registry, tmp_path, monkeypatch):
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with secured(FaultProxy(registry.host), certificate) as proxy:
        yield proxy


@pytest.fixture
def name(plain, secure, repository):
    plain.push_model(f"{repository}:latest", model=WEIGHTS)
    return f"{secure.host}/{repository}:latest"


def test_pull(puller, secure, name):
    secure.on(DIGEST, Cut(30_000), times=2)
    told = puller.pull(name, insecure=False)
    assert told.monotone
    assert puller.blob(DIGEST).read_bytes() == WEIGHTS
    puller.check()


class Forwarded(Fault):
    """No fault: it tells the registry what its addresses begin with."""

    def ask(self, headers):
        return [*headers, ("X-Forwarded-Proto", "https")]


def test_push(puller, secure, name, plain, repository):
    puller.pull(name, insecure=False)
    target = name.replace("library/", "secured/")
    puller.copy(name, target)
    secure.on("/uploads/", Say(503), method="PATCH", times=1)
    secure.on("/", Forwarded(), method=".*")
    told = puller.push(target, insecure=False)
    assert told.monotone
    secured = repository.replace("library/", "secured/")
    assert plain.manifest(secured, "latest").body == plain.manifest(repository, "latest").body


def test_locations_without_tls_are_not_followed(puller, secure, name):
    """docker-registry gives them where nobody tells it of the TLS before it."""
    puller.pull(name, insecure=False)
    target = name.replace("library/", "plain/")
    puller.copy(name, target)
    with pytest.raises(RegistryError, match=r"^insecure protocol http$"):
        puller.push(target, insecure=False)


def test_a_stall(tmp_path, secure, name, monkeypatch):
    only_pauses_count(monkeypatch, secure)
    puller = Puller(tmp_path / "models", patience=HASTY)
    secure.on(DIGEST, Stall(10_000), times=2)
    puller.pull(name, insecure=False)
    puller.check()


def test_never_back_to_plain_http(puller, secure, elsewhere, name):
    secure.on(DIGEST, Redirect(elsewhere.url))
    with pytest.raises(RegistryError, match=r"^insecure protocol http$"):
        puller.pull(name, insecure=False)
    assert not elsewhere.seen()
    secure.forget()
    realm = f'Bearer realm="http://{secure.host}/token",service="s",scope="x"'
    secure.on("/manifests/", Say(401, {"WWW-Authenticate": realm}))
    with pytest.raises(RegistryError, match=r"insecure protocol http$"):
        puller.pull(name, insecure=False)


@pytest.mark.parametrize(("address", "days"), [("127.0.0.9", 1), ("127.0.0.1", -1)])
def test_certificates_that_do_not_fit(registry, tmp_path, monkeypatch, address, days):
    certificate = write_certificate(tmp_path, address, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with secured(FaultProxy(registry.host), certificate) as proxy:
        with pytest.raises(RegistryError, match="certificate"):
            Puller(tmp_path / "models").pull(f"{proxy.host}/library/x", insecure=False)
        assert not proxy.seen()


def test_a_certificate_that_nobody_knows(registry, tmp_path):
    certificate = write_certificate(tmp_path)
    with secured(FaultProxy(registry.host), certificate) as proxy:
        with pytest.raises(RegistryError, match=r"certificate verify failed: self.signed"):
            Puller(tmp_path / "models").pull(f"{proxy.host}/library/x", insecure=False)
        assert not proxy.seen()
