from rapsr_core.holdout import TEST_PACKAGES, VALIDATION_PACKAGES, is_held_out


def test_whole_packages_are_held_out_by_manifest_or_by_file_name():
    assert is_held_out("pool/budgie-backgrounds__casa-mila.jpg", "budgie-backgrounds")
    assert is_held_out("pool/mate-backgrounds__Dune.jpg")
    assert is_held_out("gnome-backgrounds__Road.jpg")
    assert is_held_out("anything.jpg", "plasma-workspace-wallpapers")


def test_other_photographs_are_not():
    assert not is_held_out("pool/lomiri-wallpapers-20.04__Kleiber_by_Lukas_Baubkus.jpg", "lomiri-wallpapers-20.04")
    assert not is_held_out("holiday/mate-backgrounds.jpg")
    assert not is_held_out("pool/mate-backgrounds__Dune.jpg", "my-own-package")


def test_tuning_never_sees_the_test_photographs():
    assert not TEST_PACKAGES & VALIDATION_PACKAGES
