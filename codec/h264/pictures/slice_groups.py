"""Slice groups, or flexible macroblock ordering (8.2.2): the group of each macroblock."""

import numpy as np


def mb_to_slice_group_map(header, sps, pps):
    """mbToSliceGroupMap (8.2.2.8) of the picture of a slice.

    Returns
    -------
    (PicSizeInMbs,) uint8 array, or None
        Indexed by macroblock address, also in MBAFF frames, where both macroblocks of a pair are in the same group.
        None if there is only one group.
    """
    if not pps.num_slice_groups_minus1:
        return None
    mapUnitToSliceGroupMap = map_units(header, sps, pps)
    if sps.frame_mbs_only_flag or header.field_pic_flag:
        return mapUnitToSliceGroupMap
    if header.MbaffFrameFlag(sps):
        return np.repeat(mapUnitToSliceGroupMap, 2)
    # A frame of a sequence with fields: map units are two macroblock rows high.
    rows = mapUnitToSliceGroupMap.reshape(sps.PicHeightInMapUnits, sps.PicWidthInMbs)
    return np.repeat(rows, 2, axis=0).reshape(-1)


def map_units(header, sps, pps):
    """mapUnitToSliceGroupMap, 8.2.2.1 to 8.2.2.7."""
    size = sps.PicSizeInMapUnits
    groups = pps.num_slice_groups_minus1 + 1
    width = sps.PicWidthInMbs
    height = sps.PicHeightInMapUnits
    i = np.arange(size)
    kind = pps.slice_group_map_type
    if kind == 0:  # interleaved: runs of each group, in a cycle
        cycle = np.repeat(np.arange(groups), [row.run_length_minus1 + 1 for row in pps.run_lengths])
        return np.resize(cycle, size).astype(np.uint8)
    if kind == 1:  # dispersed, (8-17)
        return ((i % width + i // width * groups // 2) % groups).astype(np.uint8)
    if kind == 2:  # foreground rectangles over a background; the first group is on top
        found = np.full((height, width), groups - 1, np.uint8)
        for group in range(groups - 2, -1, -1):
            row = pps.rectangles[group]
            (top, left), (bottom, right) = divmod(row.top_left, width), divmod(row.bottom_right, width)
            found[top : bottom + 1, left : right + 1] = group
        return found.reshape(-1)
    if kind == 6:
        return np.array(pps.slice_group_id, np.uint8)
    return _changing(kind, header, sps, pps)


def _changing(kind, header, sps, pps):
    """Types 3 to 5: group 0 can grow from picture to picture."""
    size, width = sps.PicSizeInMapUnits, sps.PicWidthInMbs
    MapUnitsInSliceGroup0, direction = header.MapUnitsInSliceGroup0(sps, pps), pps.slice_group_change_direction_flag
    if kind == 3:
        return _box_out(MapUnitsInSliceGroup0, direction, width, sps.PicHeightInMapUnits)
    sizeOfUpperLeftGroup = size - MapUnitsInSliceGroup0 if direction else MapUnitsInSliceGroup0
    inside = np.arange(size) < sizeOfUpperLeftGroup
    found = np.where(inside, direction, 1 - direction).astype(np.uint8)
    # Type 4 scans rows, type 5 columns.
    return found if kind == 4 else np.ascontiguousarray(found.reshape(width, -1).T).reshape(-1)


def _box_out(MapUnitsInSliceGroup0, direction, width, height):
    """8.2.2.4: a spiral from the centre, which covers group 0."""
    found = np.ones((height, width), np.uint8)
    x, y = (width - direction) // 2, (height - direction) // 2
    leftBound = rightBound = x
    topBound = bottomBound = y
    xDir, yDir = direction - 1, direction
    k = 0
    while k < MapUnitsInSliceGroup0:
        k += int(found[y, x])
        found[y, x] = 0
        if xDir == -1 and x == leftBound:
            leftBound = x = max(leftBound - 1, 0)
            xDir, yDir = 0, 2 * direction - 1
        elif xDir == 1 and x == rightBound:
            rightBound = x = min(rightBound + 1, width - 1)
            xDir, yDir = 0, 1 - 2 * direction
        elif yDir == -1 and y == topBound:
            topBound = y = max(topBound - 1, 0)
            xDir, yDir = 1 - 2 * direction, 0
        elif yDir == 1 and y == bottomBound:
            bottomBound = y = min(bottomBound + 1, height - 1)
            xDir, yDir = 2 * direction - 1, 0
        else:
            x, y = x + xDir, y + yDir
    return found.reshape(-1)
