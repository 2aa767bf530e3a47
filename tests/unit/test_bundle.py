import hashlib
import io
import tarfile

import pytest

from orchestrator import bundle
from orchestrator.errors import EnvctlError, ExitCode


@pytest.fixture
def root(tmp_path):
    """A root that uses a module beside it, which uses another."""
    for name, text in {
        "terraform/env/main.tf": 'module "a" {\n  source = "../modules/a"\n}\nmodule "r" {\n  source = "some/x"\n}\n',
        "terraform/env/.terraform.lock.hcl": "lock",
        "terraform/env/.terraform/providers/big": "no",
        "terraform/env/tests/env.tftest.hcl": "no",
        "terraform/env/errored.tfstate": "no",
        "terraform/env/old.tfstate.backup": "no",
        "terraform/modules/a/main.tf": 'module "b" {\n  source = "../b"\n}\n',
        "terraform/modules/a/templates/page.tftpl": "page",
        "terraform/modules/b/main.tf": "# b\n",
        "terraform/modules/unused/main.tf": "# no\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "terraform" / "env"


def test_what_terraform_would_read_is_in_it_and_nothing_else(root):
    assert set(bundle.code_files(root)) == {
        "env/main.tf",
        "env/.terraform.lock.hcl",
        "modules/a/main.tf",
        "modules/a/templates/page.tftpl",
        "modules/b/main.tf",
    }
    assert bundle.root_in(root) == "env"


def test_a_root_by_itself(tmp_path):
    (tmp_path / "main.tf").write_text("")
    assert (set(bundle.code_files(tmp_path)), bundle.root_in(tmp_path)) == ({"main.tf"}, ".")


def test_what_is_packed_is_unpacked(root, tmp_path):
    packed = bundle.pack(root, '{"name": "shop-pr-1"}\n')
    place, tfvars = bundle.unpack(packed.data, packed.sha256, packed.root, tmp_path / "out")
    assert tfvars == '{"name": "shop-pr-1"}\n'
    assert bundle.digest(bundle.code_files(place)) == packed.code == bundle.digest(bundle.code_files(root))


def test_equal_content_is_equal_bytes_and_other_content_is_not(root):
    first = bundle.pack(root, "{}")
    assert bundle.pack(root, "{}") == first
    assert bundle.pack(root, '{"a": 1}').code == first.code
    (root / ".terraform.lock.hcl").write_text("another provider")
    assert bundle.pack(root, "{}").code != first.code


def test_a_directory_that_is_not_there_has_no_code(tmp_path):
    assert bundle.code_files(tmp_path / "gone") == {}


def archive(name, **entry):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as made:
        info = tarfile.TarInfo(name)
        for key, value in entry.items():
            setattr(info, key, value)
        made.addfile(info, io.BytesIO(b""))
        made.addfile(tarfile.TarInfo(bundle.TFVARS), io.BytesIO(b""))
    return raw.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not gzip",
        archive("../../outside"),
        archive("/outside"),
        archive("code/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        archive("elsewhere/main.tf"),
    ],
)
def test_an_archive_of_another_kind_is_refused_and_writes_nothing_outside(tmp_path, data):
    into = tmp_path / "a" / "b"
    with pytest.raises(EnvctlError) as caught:
        bundle.unpack(data, hashlib.sha256(data).hexdigest(), ".", into)
    assert caught.value.code is ExitCode.TERRAFORM
    assert [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(into)] == []


def test_a_root_outside_the_archive_is_refused(root, tmp_path):
    packed = bundle.pack(root, "{}")
    with pytest.raises(EnvctlError, match="no root module"):
        bundle.unpack(packed.data, packed.sha256, "../../..", tmp_path / "out")


def test_more_than_code_is_refused(root, monkeypatch):
    (root / "dump.sql").write_bytes(b"x" * (bundle.MAXIMUM_BYTES + 1))
    with pytest.raises(EnvctlError, match="larger than 16 MiB"):
        bundle.pack(root, "{}")
