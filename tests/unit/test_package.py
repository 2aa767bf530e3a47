"""The function's zip: the same bytes everywhere, and everything that it needs and nothing else."""

import io
import json
import subprocess
import sys
import zipfile

from orchestrator.publisher import package

# What a Lambda runtime has besides Python itself, and what must not be missed there.
PROBE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from orchestrator.publisher import handler
ours = {name: module.__file__ for name, module in sys.modules.items() if name.startswith("orchestrator")}
print(json.dumps({"files": ours, "all": sorted({name.partition(".")[0] for name in sys.modules})}))
"""
NOT_IN_LAMBDA = {"pydantic", "typer", "click", "rich", "jinja2", "github", "python_terraform", "moto"}


def test_the_same_source_gives_the_same_bytes_wherever_it_lies(tmp_path, checkout):
    for name in package.FILES:
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = (checkout / "orchestrator" / name).read_bytes()
        copy.write_bytes(text.replace(b"\n", b"\r\n"))  # as another system checks it out, today, for another user
        copy.chmod(0o600)
    assert package.build(tmp_path) == package.build()


def test_every_entry_is_readable_for_lambda_and_has_no_date():
    with zipfile.ZipFile(io.BytesIO(package.build())) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(f"orchestrator/{name}" for name in package.FILES)
    assert {(entry.date_time[0], entry.external_attr >> 16) for entry in entries} == {(1980, 0o100644)}


def test_the_handler_finds_everything_it_imports_in_it_and_uses_all_of_it(tmp_path):
    archive = tmp_path / "publisher.zip"
    archive.write_bytes(package.build())
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROBE, str(archive)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    found = json.loads(done.stdout)
    names = {str(file).removeprefix(f"{archive}/orchestrator/") for file in found["files"].values()}
    assert names == set(package.FILES)
    assert not NOT_IN_LAMBDA & set(found["all"])


def test_the_handler_is_where_terraform_says(checkout):
    module, _, function = package.HANDLER.rpartition(".")
    assert f"{module.removeprefix('orchestrator.').replace('.', '/')}.py" in package.FILES
    assert f"def {function}(" in (checkout / "orchestrator/publisher/handler.py").read_text()
    assert f'"{package.HANDLER}"' in (checkout / "terraform/modules/snapshot_publisher/main.tf").read_text()
