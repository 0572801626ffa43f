from geo3d_compression.volume.neighbours import PAD, causal_ball, linear_offsets


def test_a_ball_is_causal_nearest_first_and_a_multiple_of_four() -> None:
    for within, previous, before in ((5, 1, 0), (9, 4, 1), (20, 16, 4)):
        ball = causal_ball(within, previous, before)
        assert ball[0] == (0, 0, -1)
        assert len(set(ball)) == len(ball)
        assert len(ball) % 4 == 0
        for dz, dy, dx in ball:
            assert 0 <= dz <= 2
            assert dz > 0 or (dy, dx) < (0, 0)
            assert dy * dy + dx * dx <= (within, previous, before)[dz] <= PAD * PAD + 4
            assert max(abs(dy), abs(dx)) <= PAD


def test_offsets_in_a_flattened_plane() -> None:
    counts, back, distance = linear_offsets((((0, 0, -1), (1, 2, 3)), ((2, -1, 0),)), 100)
    assert counts.tolist() == [2, 1]
    assert back.tolist() == [[0, 1], [2, 0]]
    assert distance.tolist() == [[-1, 203], [-100, 0]]
