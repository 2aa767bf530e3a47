"""Where the Terraform code is: the configured place, the conventional one, or beside envctl itself."""

import pytest

from orchestrator.cli.wiring import Setting
from orchestrator.config import Config


@pytest.fixture
def root_of(tmp_path):
    def found(root=None):
        values = {
            "project": {"name": "shop"},
            "state": {"bucket": "acme-preview-state"},
            "database": {"source": "shop-prod"},
            "terraform": {"root": root} if root else {},
        }
        return Setting(Config.model_validate(values), tmp_path, {}).root

    return found


def test_a_root_of_ones_own_is_used(root_of, tmp_path):
    (tmp_path / "terraform" / "env").mkdir(parents=True)
    assert root_of() == tmp_path / "terraform" / "env"


def test_without_one_it_is_that_which_envctl_came_with(root_of, checkout):
    assert root_of() == checkout / "terraform" / "env"


def test_one_that_is_configured_is_never_replaced(root_of, tmp_path):
    assert root_of("infra/preview") == tmp_path / "infra" / "preview"
