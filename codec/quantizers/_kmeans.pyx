"""Weighted points in a k-d tree, and the two loops over it that clustering needs: where each point belongs, and where a box is best cut.

Assignment filters: a node of the tree keeps those centres that can be nearest to a point of its box and hands them down; a leaf compares its
points with the few that are left (Kanungo, Mount, Netanyahu, Piatko, Silverman, Wu, "An Efficient k-Means Clustering Algorithm: Analysis and
Implementation", IEEE PAMI 24(7), 2002). The result is that of comparing everything with everything, the first of equal centres included.

Coordinates are integers in 0..2047 whose squared distances stay below 2^24, held as floats (codec/simd/colors.h): distances are exact.
Weights are non-negative integers held as doubles; sums of weight times coordinate are exact below 2^53, so that their order is free.
"""
from libc.stdint cimport int32_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

import numpy as np

cdef extern from "colors.h" nogil:
    enum:
        CODEC_LEAF
    void (*codec_nearest_points[2])(const float *points, Py_ssize_t stride, int D, const float *z, Py_ssize_t z_stride, const int32_t *labels, int m,
                                    float *distance, int32_t *label)
    void (*codec_keep_candidates[2])(const float *lo, const float *hi, int D, const float *z, Py_ssize_t z_stride, int m, int pivot, uint8_t *keep)
    void (*codec_distances[2])(const float *x, int D, const float *z, Py_ssize_t z_stride, int m, float *distance)

cdef enum:
    LEAF = CODEC_LEAF
    COORDINATES = 2048          # 0..2047
    MOST_DEPTH = 40             # halving 2^31 points down to a leaf takes 26 levels

MOST_COORDINATE = COORDINATES - 1
MOST_SQUARED_DISTANCE = (1 << 24) - 1


cdef struct Node:
    Py_ssize_t start, end       # points, multiples of LEAF
    Py_ssize_t right            # index of the right child; the left one is the next node. 0: a leaf


cdef class PointTree:
    """n points of D coordinates with weights, in the order of a k-d tree.

    Parameters
    ----------
    points : (n, D) float32
        Integers in 0..2047; no squared distance reaches 2^24. The caller has checked that.
    weights : (n,) float64
        Integers >= 0.
    avx2 : bool
        Whether the AVX2 variants may be used; the result is the same.
    """
    cdef readonly Py_ssize_t n, padded, nodes
    cdef readonly int D
    cdef int variant
    cdef float *x               # (D, padded), reordered
    cdef double *w              # (padded,), reordered; 0 in the padding
    cdef int32_t *order         # (padded,): where each came from
    cdef Node *node
    cdef float *box             # (nodes, 2, D): lo, hi
    cdef int32_t *label         # (padded,): of the last assignment
    cdef float *distance

    def __cinit__(self, const float[:, ::1] points, const double[::1] weights, bint avx2):
        cdef Py_ssize_t i, t
        cdef int32_t *scratch
        assert points.shape[0] == weights.shape[0] and points.shape[0] > 0 and points.shape[1] > 0
        self.n, self.D, self.variant = points.shape[0], <int>points.shape[1], avx2
        self.padded = (self.n + LEAF - 1) // LEAF * LEAF
        self.x = <float *>malloc(self.padded * self.D * sizeof(float))
        self.w = <double *>malloc(self.padded * sizeof(double))
        self.order = <int32_t *>malloc(self.padded * sizeof(int32_t))
        self.label = <int32_t *>calloc(self.padded, sizeof(int32_t))
        self.distance = <float *>calloc(self.padded, sizeof(float))
        self.node = <Node *>malloc(2 * (self.padded // LEAF) * sizeof(Node))
        self.box = <float *>malloc(4 * (self.padded // LEAF) * self.D * sizeof(float))
        scratch = <int32_t *>malloc((self.padded + COORDINATES) * sizeof(int32_t))
        if self.x == NULL or self.w == NULL or self.order == NULL or self.label == NULL or self.distance == NULL or self.node == NULL or self.box == NULL or scratch == NULL:
            free(scratch)
            raise MemoryError("points of a k-d tree")
        with nogil:
            for i in range(self.padded):
                self.order[i] = <int32_t>min(i, self.n - 1)
            self.nodes = 0
            self.build(&points[0, 0], 0, self.padded, scratch)
            for i in range(self.padded):
                for t in range(self.D):
                    self.x[t * self.padded + i] = points[self.order[i], t]
                self.w[i] = weights[self.order[i]]
            self.drop_padding()
            free(scratch)

    def __dealloc__(self):
        free(self.x)
        free(self.w)
        free(self.order)
        free(self.label)
        free(self.distance)
        free(self.node)
        free(self.box)

    cdef void drop_padding(self) noexcept nogil:
        """The copies of the last point that fill the last leaf weigh nothing. They may have gone anywhere; all but the first one seen are copies."""
        cdef Py_ssize_t i
        cdef bint seen = False
        for i in range(self.padded):
            if self.order[i] == self.n - 1:
                if seen:
                    self.w[i] = 0
                seen = True

    cdef void build(self, const float *points, Py_ssize_t start, Py_ssize_t end, int32_t *scratch) noexcept nogil:
        """Box of order[start:end], then halves along its longest side, cut at a whole number of leaves."""
        cdef Py_ssize_t i, at = self.nodes, middle
        cdef int t, D = self.D, longest = 0
        cdef float *lo = self.box + 2 * D * at
        cdef float *hi = lo + D
        cdef const float *p
        memcpy(lo, points + D * self.order[start], D * sizeof(float))
        memcpy(hi, lo, D * sizeof(float))
        for i in range(start + 1, end):
            p = points + D * self.order[i]
            for t in range(D):
                lo[t] = min(lo[t], p[t])
                hi[t] = max(hi[t], p[t])
        for t in range(1, D):
            if hi[t] - lo[t] > hi[longest] - lo[longest]:
                longest = t
        self.nodes += 1
        self.node[at].start, self.node[at].end, self.node[at].right = start, end, 0
        if end - start > LEAF:
            middle = start + ((end - start) // LEAF + 1) // 2 * LEAF
            self.part(points + longest, start, end, middle, <int>lo[longest], <int>hi[longest], scratch)
            self.build(points, start, middle, scratch)
            self.node[at].right = self.nodes
            self.build(points, middle, end, scratch)

    cdef void part(self, const float *key, Py_ssize_t start, Py_ssize_t end, Py_ssize_t middle, int least, int most, int32_t *scratch) noexcept nogil:
        """Reorder order[start:end] so that no key before `middle` is above one after it: by counting, which no input can make slow."""
        cdef int32_t *count = scratch
        cdef int32_t *above = scratch + COORDINATES
        cdef Py_ssize_t i, below = 0, kept = start, moved = 0, equal
        cdef int v, cut
        memset(count, 0, (most - least + 1) * sizeof(int32_t))
        for i in range(start, end):
            count[<int>key[self.D * self.order[i]] - least] += 1
        cut = 0
        while below + count[cut] <= middle - start and cut < most - least:
            below += count[cut]
            cut += 1
        equal = middle - start - below              # so many of those at the cut go to the left
        for i in range(start, end):
            v = <int>key[self.D * self.order[i]] - least
            if v < cut or (v == cut and equal > 0):
                equal -= v == cut
                self.order[kept] = self.order[i]
                kept += 1
            else:
                above[moved] = self.order[i]
                moved += 1
        memcpy(self.order + kept, above, moved * sizeof(int32_t))

    cdef void visit(self, Py_ssize_t at, const float *z, const int32_t *name, int m, Py_ssize_t k, uint8_t *keep, float *spare) noexcept nogil:
        """Label the points of a node with the nearest of m candidates: rows z of k, with their names. spare: room for the levels below."""
        cdef Node *node = self.node + at
        cdef float *lo = self.box + 2 * self.D * at
        cdef float *hi = lo + self.D
        cdef float *kept = spare
        cdef float *middle = spare + self.D * k
        cdef float *distance = middle + self.D
        cdef int32_t *kept_name = <int32_t *>(distance + k)
        cdef Py_ssize_t i
        cdef int t, c, count = 0, pivot = 0
        for t in range(self.D):
            middle[t] = 0.5 * (lo[t] + hi[t])
        codec_distances[self.variant](middle, self.D, z, k, m, distance)
        for c in range(1, m):
            if distance[c] < distance[pivot]:
                pivot = c
        codec_keep_candidates[self.variant](lo, hi, self.D, z, k, m, pivot, keep)
        for c in range(m):
            if keep[c]:
                kept_name[count] = name[c]
                for t in range(self.D):
                    kept[t * k + count] = z[t * k + c]
                count += 1
        if node.right and count > 1:
            spare = <float *>(kept_name + k)
            self.visit(at + 1, kept, kept_name, count, k, keep, spare)
            self.visit(node.right, kept, kept_name, count, k, keep, spare)
        else:
            i = node.start
            while i < node.end:
                codec_nearest_points[self.variant](self.x + i, self.padded, self.D, kept, k, kept_name, count, self.distance + i, self.label + i)
                i += LEAF

    def assign(self, const float[:, ::1] centres):
        """Find the nearest of k centres for every point.

        Parameters
        ----------
        centres : (k, D) float32
            Integers, as the points.

        Returns
        -------
        weight : (k,) float64
            Of the points nearest to each.
        sums : (k, D) float64
            Of weight times coordinates.
        squares : (k, D) float64
            Of weight times squared coordinates.
        error : (k,) float64
            Of weight times squared distance.
        """
        cdef Py_ssize_t k = centres.shape[0], c, level
        cdef int t
        cdef float *spare
        cdef int32_t *name
        cdef uint8_t *keep
        cdef double[::1] weight = np.zeros(k)
        cdef double[:, ::1] sums = np.zeros((k, self.D))
        cdef double[:, ::1] squares = np.zeros((k, self.D))
        cdef double[::1] error = np.zeros(k)
        assert centres.shape[1] == self.D and k > 0
        level = k * self.D + self.D + 2 * k
        spare = <float *>malloc((k * self.D + MOST_DEPTH * level) * sizeof(float))
        name = <int32_t *>malloc(k * sizeof(int32_t))
        keep = <uint8_t *>malloc(k + 64)
        if spare == NULL or name == NULL or keep == NULL:
            free(spare)
            free(name)
            free(keep)
            raise MemoryError("centres")
        with nogil:
            for c in range(k):
                name[c] = <int32_t>c
                for t in range(self.D):
                    spare[t * k + c] = centres[c, t]
            self.visit(0, spare, name, <int>k, k, keep, spare + k * self.D)
            self.gather(&weight[0], &sums[0, 0], &squares[0, 0], &error[0])
            free(spare)
            free(name)
            free(keep)
        return np.asarray(weight), np.asarray(sums), np.asarray(squares), np.asarray(error)

    cdef void gather(self, double *weight, double *sums, double *squares, double *error) noexcept nogil:
        cdef Py_ssize_t i
        cdef int t, D = self.D
        cdef double w, x
        cdef double *sum
        cdef double *square
        for i in range(self.padded):
            w = self.w[i]
            weight[self.label[i]] += w
            error[self.label[i]] += w * self.distance[i]
            sum = sums + D * self.label[i]
            square = squares + D * self.label[i]
            for t in range(D):
                x = w * self.x[t * self.padded + i]
                sum[t] += x
                square[t] += x * self.x[t * self.padded + i]

    def labels(self):
        """(n,) int32: the centre of each point, in the order in which they came, and (n,) float32: its squared distance; of the last `assign`."""
        cdef int32_t[::1] label = np.empty(self.n, np.int32)
        cdef float[::1] distance = np.empty(self.n, np.float32)
        cdef Py_ssize_t i
        with nogil:
            for i in range(self.padded):
                label[self.order[i]] = self.label[i]
                distance[self.order[i]] = self.distance[i]
        return np.asarray(label), np.asarray(distance)


# ---------------------------------------------------------------- cutting boxes

cdef struct Cut:
    double gain                 # by how much the cut lowers the squared error along its axis
    Py_ssize_t start, end
    int axis, threshold         # coordinates below the threshold go to the left


cdef void plan_cut(const float *points, const double *weights, const int32_t *order, int D, double *scratch, Cut *cut) noexcept nogil:
    """The axis of greatest variance, and the threshold on it that leaves the least variance on both sides (Wu, "Color Quantization by Dynamic
    Programming and Principal Analysis", ACM TOG 11(4), 1992: least error is greatest sum^2 / weight over both)."""
    cdef Py_ssize_t i
    cdef int t, v, least, most
    cdef double w, x, total = 0, sum, best, gain, left_w = 0, left_sum = 0, spread
    cdef double *first = scratch
    cdef double *second = scratch + D
    cdef double *mass = scratch + 2 * D
    memset(scratch, 0, 2 * D * sizeof(double))
    for i in range(cut.start, cut.end):
        w = weights[order[i]]
        total += w
        for t in range(D):
            x = points[D * order[i] + t]
            first[t] += w * x
            second[t] += w * x * x
    cut.axis, best = 0, -1
    for t in range(D):
        spread = second[t] - first[t] * first[t] / total if total > 0 else 0
        if spread > best:
            cut.axis, best = t, spread
    least, most = COORDINATES, 0
    for i in range(cut.start, cut.end):
        v = <int>points[D * order[i] + cut.axis]
        least, most = min(least, v), max(most, v)
    memset(mass + least, 0, (most - least + 1) * sizeof(double))
    for i in range(cut.start, cut.end):
        mass[<int>points[D * order[i] + cut.axis]] += weights[order[i]]
    sum, cut.gain, cut.threshold = first[cut.axis], -1, least
    for v in range(least, most):
        left_w += mass[v]
        left_sum += mass[v] * v
        if mass[v] == 0 or left_w == total:
            continue
        gain = left_sum * left_sum / left_w + (sum - left_sum) * (sum - left_sum) / (total - left_w) - sum * sum / total
        if gain > cut.gain:
            cut.gain, cut.threshold = gain, v + 1


def variance_cut(const float[:, ::1] points, const double[::1] weights, int k):
    """Cut a box of points in two, again and again, where that lowers the squared error most, until there are k boxes or nothing to cut.

    Parameters
    ----------
    points : (n, D) float32
    weights : (n,) float64
        Positive.
    k : int

    Returns
    -------
    (n,) int32
        The box of each point, numbered from 0 without gaps.
    """
    cdef Py_ssize_t n = points.shape[0], i, middle
    cdef int D = <int>points.shape[1], boxes = 1, b, worst
    cdef int32_t[::1] box = np.zeros(n, np.int32)
    cdef int32_t *order = <int32_t *>malloc(2 * n * sizeof(int32_t))
    cdef Cut *cuts = <Cut *>malloc(k * sizeof(Cut))
    cdef double *scratch = <double *>malloc((2 * D + COORDINATES) * sizeof(double))
    assert weights.shape[0] == n and n > 0 and k > 0
    if order == NULL or cuts == NULL or scratch == NULL:
        free(order)
        free(cuts)
        free(scratch)
        raise MemoryError("boxes")
    with nogil:
        for i in range(n):
            order[i] = <int32_t>i
        cuts[0].start, cuts[0].end = 0, n
        plan_cut(&points[0, 0], &weights[0], order, D, scratch, cuts)
        while boxes < k:
            worst = 0
            for b in range(1, boxes):
                if cuts[b].gain > cuts[worst].gain:
                    worst = b
            if cuts[worst].gain <= 0:
                break
            middle = split(&points[0, 0] + cuts[worst].axis, D, order, cuts[worst].start, cuts[worst].end, cuts[worst].threshold, order + n)
            cuts[boxes].start, cuts[boxes].end, cuts[worst].end = middle, cuts[worst].end, middle
            plan_cut(&points[0, 0], &weights[0], order, D, scratch, cuts + worst)
            plan_cut(&points[0, 0], &weights[0], order, D, scratch, cuts + boxes)
            boxes += 1
        for b in range(boxes):
            for i in range(cuts[b].start, cuts[b].end):
                box[order[i]] = b
        free(order)
        free(cuts)
        free(scratch)
    return np.asarray(box)


cdef Py_ssize_t split(const float *key, int D, int32_t *order, Py_ssize_t start, Py_ssize_t end, int threshold, int32_t *scratch) noexcept nogil:
    """Keys below the threshold first, in stable order; returns where the others start."""
    cdef Py_ssize_t i, kept = start, moved = 0
    for i in range(start, end):
        if key[D * order[i]] < threshold:
            order[kept] = order[i]
            kept += 1
        else:
            scratch[moved] = order[i]
            moved += 1
    memcpy(order + kept, scratch, moved * sizeof(int32_t))
    return kept
