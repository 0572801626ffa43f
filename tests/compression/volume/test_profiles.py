from geo3d_compression.volume.profiles import BY_NUMBER, PROFILES


def test_numbers_are_unique_and_settings_complete() -> None:
    assert len(BY_NUMBER) == len(PROFILES)
    for settings in PROFILES.values():
        assert len(settings.neighbourhoods) == len(settings.forget)
        assert all(0.9 < f < 1 for f in settings.forget)
        assert all(len(n) % 4 == 0 for n in settings.neighbourhoods)
