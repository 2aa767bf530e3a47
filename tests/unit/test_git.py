import pytest

from orchestrator import git

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def dot_git(tmp_path):
    (tmp_path / ".git").mkdir()
    return tmp_path / ".git"


def remote(url):
    return f'[core]\n\tbare = false\n[remote "upstream"]\n\turl = x:other/one\n[remote "origin"]\n\turl = {url}\n'


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:acme/shop.git",
        "git@github.com:acme/shop",
        "https://github.com/acme/shop.git",
        "https://github.com/acme/shop/",
        "https://token@github.com/acme/shop",
        "ssh://git@github.com:22/acme/shop.git",
    ],
)
def test_the_repository_is_that_of_origin(dot_git, tmp_path, url):
    (dot_git / "config").write_text(remote(url))
    assert git.repository(tmp_path) == "acme/shop"


def test_a_name_may_hold_dots(dot_git, tmp_path):
    (dot_git / "config").write_text(remote("git@github.com:acme/shop.js.git"))
    assert git.repository(tmp_path) == "acme/shop.js"


@pytest.mark.parametrize("text", ["", '[remote "upstream"]\nurl = git@github.com:a/b\n', remote("nonsense")])
def test_without_an_origin_that_makes_sense_there_is_none(dot_git, tmp_path, text):
    (dot_git / "config").write_text(text)
    assert git.repository(tmp_path) is None


def test_outside_of_a_checkout_nothing_is_known(tmp_path):
    assert git.repository(tmp_path) is None
    assert git.head(tmp_path) is None


def test_it_is_found_from_a_folder_below(dot_git, tmp_path):
    (dot_git / "config").write_text(remote("git@github.com:acme/shop.git"))
    (dot_git / "HEAD").write_text(SHA)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert (git.repository(deep), git.head(deep)) == ("acme/shop", SHA)


def test_a_detached_head_is_the_commit(dot_git, tmp_path):
    (dot_git / "HEAD").write_text(f"{SHA}\n")
    assert git.head(tmp_path) == SHA


def test_a_branch_is_looked_up(dot_git, tmp_path):
    (dot_git / "HEAD").write_text("ref: refs/heads/feature/x\n")
    (dot_git / "refs/heads/feature").mkdir(parents=True)
    (dot_git / "refs/heads/feature/x").write_text(f"{SHA}\n")
    assert git.head(tmp_path) == SHA


def test_a_packed_branch_is_looked_up(dot_git, tmp_path):
    (dot_git / "HEAD").write_text("ref: refs/heads/x\n")
    (dot_git / "packed-refs").write_text(
        f"# pack-refs\n{'f' * 40} refs/heads/feature/x\n{SHA} refs/heads/x\n^{'e' * 40}\n"
    )
    assert git.head(tmp_path) == SHA


@pytest.mark.parametrize("text", ["ref: refs/heads/unborn\n", "garbage", ""])
def test_a_head_without_a_commit_is_none(dot_git, tmp_path, text):
    (dot_git / "HEAD").write_text(text)
    assert git.head(tmp_path) is None


def test_a_worktree_has_a_head_of_its_own_and_the_common_refs(dot_git, tmp_path):
    (dot_git / "config").write_text(remote("git@github.com:acme/shop.git"))
    (dot_git / "refs/heads").mkdir(parents=True)
    (dot_git / "refs/heads/x").write_text(SHA)
    own = dot_git / "worktrees" / "w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/x\n")
    (own / "commondir").write_text("../..\n")
    worktree = tmp_path / "elsewhere"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {own}\n")
    assert (git.repository(worktree), git.head(worktree)) == ("acme/shop", SHA)


def test_the_top_is_where_git_keeps_its_files(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")  # a worktree's or submodule's
    assert git.top(below) == git.top(tmp_path) == tmp_path
