"""The learned prior of volumes: integer networks that give one more expert to the online mixture of `best`.

    slices coded --features--> planes --state--> gated recurrent state --> features of the slice to come
    neighbours, predictions, levels near a voxel + those features --> shift and scale --expert--> mixture

The recurrent state is ICEC's inter-slice context (Chen, Gu, Lu, Xu, IEEE TIP 31, 2022), the neighbours its intra-slice
context; both end in one distribution per voxel, which is an expert among those that learn while coding.
"""
