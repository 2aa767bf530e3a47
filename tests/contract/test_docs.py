"""Help texts, README and the command line say the same."""

import re
import shlex

import pytest
import typer

from orchestrator.cli.app import app
from orchestrator.config import Config

ROOT = typer.main.get_command(app)
SHARED_BY_CLICK = {"--help", "-h"}


def commands(group=ROOT, words=()):
    """Yield (words, command) for every command that does something."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(commands())
NAMES = [" ".join(words) for words in COMMANDS]


def options(command):
    """Yield every option of a command with its spellings and its help."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield parameter


@pytest.fixture(scope="module")
def readme(checkout):
    return (checkout / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def documentation(checkout, readme):
    pages = sorted((checkout / "docs").rglob("*.md"))
    return "\n".join([readme, *(page.read_text(encoding="utf-8") for page in pages)])


# Help


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_in_a_sentence_what_it_does(name):
    text = COMMANDS[tuple(name.split())].help
    assert text
    assert text.rstrip().endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_explained(name):
    for parameter in COMMANDS[tuple(name.split())].params:
        assert parameter.help, parameter.name
        assert parameter.help.endswith("."), parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_the_options_of_all_commands(name):
    found = {spelling for option in options(COMMANDS[tuple(name.split())]) for spelling in option.opts}
    assert found >= {"--json", "--quiet", "-q", "--verbose", "-v", "--no-color"}


@pytest.mark.parametrize("name", ["up", "destroy", "unlock", "bootstrap"])
def test_what_cannot_be_undone_is_asked_about(name):
    assert "--yes" in {spelling for option in options(COMMANDS[(name,)]) for spelling in option.opts}


def test_the_commands_of_the_design_are_there():
    assert COMMANDS.keys() >= {
        *((word,) for word in ("plan", "up", "destroy", "show", "outputs", "list", "extend", "unlock", "doctor")),
        *(("config", word) for word in ("show", "validate", "schema")),
        *(("sandbox", word) for word in ("start", "stop", "env", "seed")),
    }


# README and docs


def command_lines(text):
    """Yield the `envctl ...` lines of all code blocks, without prompts, comments and what follows a pipe."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.findall(r"(?:^|[\s\"($`])envctl ((?:[a-z]|--)[^|;&)`#\n]*)", line)


def unknown(line):
    """Return what the command line does not know of `envctl <line>`, or None."""
    words = shlex.split(line.replace('"', " "))
    group, command = ROOT, None
    while words and command is None:
        if words[0] in SHARED_BY_CLICK | {"--version"}:
            return None
        found = getattr(group, "commands", {}).get(words[0])
        if found is None:
            return words[0]
        words.pop(0)
        group, command = (found, None) if hasattr(found, "commands") else (group, found)
    if command is None:
        return None if group is not ROOT else "nothing"
    known = SHARED_BY_CLICK | {spelling for option in options(command) for spelling in option.opts}
    for word in words:
        if word.startswith("-") and word.partition("=")[0] not in known:
            return word
    return None


def test_every_command_line_of_the_readme_is_one(readme):
    lines = list(command_lines(readme))
    assert lines, "the README shows no command"
    assert {line: unknown(line) for line in lines if unknown(line)} == {}


def test_every_command_line_of_the_docs_is_one(documentation):
    assert {line: unknown(line) for line in command_lines(documentation) if unknown(line)} == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_documented(documentation, name):
    assert re.search(rf"\b{name}\b", documentation)


@pytest.mark.parametrize(
    "spelling", sorted({max(option.opts, key=len) for command in COMMANDS.values() for option in options(command)})
)
def test_every_option_is_documented(documentation, spelling):
    assert re.search(rf"(?<![\w-]){spelling}(?![\w-])", documentation)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("up --pr 42 --yes", None),
        ("up --pr=42", None),
        ("config show", None),
        ("--version", None),
        ("raise --pr 42", "raise"),
        ("up --force", "--force"),
        ("sandbox restart", "restart"),
    ],
)
def test_the_check_itself_finds_what_is_unknown(line, expected):
    assert unknown(line) == expected


def test_command_lines_are_found_wherever_they_stand():
    text = '```sh\n$ envctl up --pr 42  # note\neval "$(envctl sandbox env)"\n```\nenvctl nonsense\n'
    assert [line.strip() for line in command_lines(text)] == ["up --pr 42", "sandbox env"]


def test_every_configuration_key_is_documented(readme):
    schema = Config.model_json_schema()
    for section, place in schema["properties"].items():
        properties = schema["$defs"].get(place.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        for key in properties:
            assert f"`{section}.{key}`" in readme, f"{section}.{key}"
