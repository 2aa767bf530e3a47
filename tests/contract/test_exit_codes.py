from orchestrator.errors import EnvctlError, ExitCode


def test_exit_codes_are_frozen():
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "UNEXPECTED": 1,
        "USAGE": 2,
        "CREDENTIALS": 3,
        "TERRAFORM": 4,
        "LOCKED": 5,
        "UNHEALTHY": 6,
        "POLICY": 7,
        "NOT_CLEAN": 8,
        "CHANGES": 10,
        "INTERRUPTED": 130,
    }


def test_an_error_reads_as_a_message_and_its_hint():
    assert str(EnvctlError(ExitCode.USAGE, "No.", "Do this.")) == "No. Do this."
    assert str(EnvctlError(ExitCode.USAGE, "No.")) == "No."
