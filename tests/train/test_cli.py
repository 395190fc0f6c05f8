import argparse

import pytest

from train.cli import errors_told


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt("stopped at step 3"), 130, "stopped at step 3\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
        (ValueError("rank is 0"), 2, "error: rank is 0\n"),
    ],
)
def test_what_ends_a_command_is_told_without_a_traceback(capsys, error, code, said):
    with pytest.raises(SystemExit) as ended, errors_told(argparse.ArgumentParser(), (ValueError,)):
        raise error
    assert ended.value.code == code
    assert capsys.readouterr().err == said


def test_errors_that_are_no_ones_mistake_keep_their_traceback():
    with pytest.raises(TypeError), errors_told(argparse.ArgumentParser(), (ValueError,)):
        raise TypeError
