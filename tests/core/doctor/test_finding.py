"""Statuses, and texts without private names."""

import pytest

from nanospeech_core.doctor.finding import NOTE, OK, WRONG, without_names, worst


def test_the_worst_status():
    assert worst([]) == OK and worst([OK, NOTE]) == NOTE and worst([NOTE, WRONG, OK]) == WRONG


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/anna/data", "~/data"),
        ("cannot open '/home/anna'", "cannot open '~'"),
        ("/home/anna2/x /home/bert/y", "~/x ~/y"),
        ("/Users/Anna Maria", "~ Maria"),
        ("/var/home/anna/x", "~/x"),
        ("/scratch/anna/venv/lib", "/scratch/USER/venv/lib"),
        ("/scratch/anna-b/annabel", "/scratch/anna-b/annabel"),
        ("Hanna /usr/lib", "Hanna /usr/lib"),
        ("", ""),
    ],
)
def test_names_are_left_out(monkeypatch, text, shown):
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("USER", "anna")
    assert without_names(text) == shown
    assert without_names({text: [text, {"a": (text, 1, None)}]}) == {shown: [shown, {"a": [shown, 1, None]}]}


def test_another_place_of_the_home(monkeypatch):
    monkeypatch.setenv("HOME", "/data/people/bert")
    monkeypatch.setenv("USER", "usr")  # a folder of the system has this name
    assert without_names("/data/people/bert/x /data/people/bertha /usr/lib /opt/usr") == (
        "~/x /data/people/bertha /usr/lib /opt/usr"
    )


def test_without_a_home(homeless):
    assert without_names("~/x and /usr") == "~/x and /usr"


def test_root_has_a_home_too(monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert without_names("/usr/lib") == "/usr/lib"
