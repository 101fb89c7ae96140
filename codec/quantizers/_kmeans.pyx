"""Weighted points in a k-d tree, and the two loops that clustering needs: the assignment of points to centres,
and the best cut of a box.

Assignment filters: a node of the tree keeps the centres that can be nearest to a point of its box and passes them
to its children; a leaf compares its points with the few that remain (Kanungo, Mount, Netanyahu, Piatko, Silverman,
Wu, "An Efficient k-Means Clustering Algorithm: Analysis and Implementation", IEEE PAMI 24(7), 2002). A node stays
as it was in the last assignment if no moved centre is relevant to it at its old or its new place, so late rounds
and rounds that move only a few centres cost only what changes. The result is that of an exhaustive comparison;
ties go to the first centre.

Coordinates are integers in 0..2047 whose squared distances stay below 2^24, held as floats (codec/simd/colors.h):
distances are exact. Weights are non-negative integers held as doubles; sums of weight times squared coordinate are
exact below 2^53, so that they may be added in any order, and removing points from a sum restores it exactly.
"""
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

import numpy as np

from codec._core cimport begin_use, codec_variant, end_use
from codec._stop cimport raise_stopped, stopped
from .._core import BUILT_LEVELS
from ..cpu import register

cdef extern from "colors.h" nogil:
    enum:
        CODEC_LEAF
        CODEC_MOST_DIMENSIONS
    struct codec_centres:
        float *z
        int32_t *name
        Py_ssize_t stride
        int unmoved, candidates, all
    void (*codec_nearest_points[2])(const float *points, Py_ssize_t stride, int D, const float *z, Py_ssize_t z_stride,
                                    const int32_t *labels, int m, float *distance, int32_t *label)
    void (*codec_filter[2])(const float *lo, const float *hi, int D, const codec_centres *given, codec_centres *kept,
                            int32_t *distance, int32_t *keep)

KERNELS = ("nearest_points", "filter")
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    LEAF = CODEC_LEAF
    COORDINATES = 2048          # 0..2047
    BETWEEN = 1 << 13           # points of nodes above which signals are looked for
    LANES = 8                   # entries that kernels may read and write beyond the end
    MIXED = -1                  # the node's points have several centres
    NOBODY = -2                 # not assigned yet

MOST_COORDINATE = COORDINATES - 1
MOST_DIMENSIONS = CODEC_MOST_DIMENSIONS
MOST_SQUARED_DISTANCE = (1 << 24) - 1


cdef struct Node:
    Py_ssize_t start, end       # points, multiples of LEAF
    Py_ssize_t right            # index of the right child; the left one is the next node. 0: a leaf
    # the centre of all its points, or MIXED; what is below a node with an owner is out of date
    int32_t owner


cdef inline void copy_row(float *to, const float *row, int width) noexcept nogil:
    if width == 4:                              # three coordinates and a number: moved at once
        memcpy(to, row, 4 * sizeof(float))
    else:
        memcpy(to, row, width * sizeof(float))


cdef class PointTree:
    """n points of D coordinates with weights, in the order of a k-d tree.

    Parameters
    ----------
    points : (n, D) float32
        Integers in 0..2047; no squared distance reaches 2^24. The caller checks that.
    weights : (n,) float64
        Integers >= 0.
    level : int
        As counted by `codec.cpu.level_index`.
    """
    cdef readonly Py_ssize_t n, k
    cdef readonly int D
    cdef Py_ssize_t padded, nodes
    cdef int variant, depth
    cdef int busy               # a call is at work: see begin_use
    cdef float *x               # (D, padded), reordered
    cdef double *w              # (padded,), reordered
    # (padded,): original index of each; -1 for the padding of the last leaf, whose weight is 0
    cdef int32_t *order
    cdef int32_t *label         # (padded,): centre at the last assignment; valid if no node above has an owner
    cdef Node *node
    cdef float *box             # (nodes, 2, D): lo, hi
    # (nodes, 1 + 2 D): sums over the points of weight, and of weight times coordinates and their squares
    cdef double *mass
    cdef double *sums           # (k, 1 + 2 D): the same over the points of each centre
    cdef float *centres         # (k, D) of the last assignment
    cdef codec_centres *level   # (depth,) lists of candidates, one per level of the tree
    cdef int32_t *distance
    cdef int32_t *keep

    def __cinit__(self, const float[:, ::1] points, const double[::1] weights, int level):
        cdef Py_ssize_t leaves
        cdef float *rows
        assert 0 < points.shape[0] == weights.shape[0] and 0 < points.shape[1] <= MOST_DIMENSIONS
        self.n, self.D, self.variant = points.shape[0], <int>points.shape[1], codec_variant(level)
        leaves = (self.n + LEAF - 1) // LEAF
        self.padded = leaves * LEAF
        self.x = <float *>malloc(self.padded * self.D * sizeof(float))
        self.w = <double *>malloc(self.padded * sizeof(double))
        self.order = <int32_t *>malloc(self.padded * sizeof(int32_t))
        self.label = <int32_t *>malloc(self.padded * sizeof(int32_t))
        self.node = <Node *>malloc(2 * leaves * sizeof(Node))
        self.box = <float *>malloc(4 * leaves * self.D * sizeof(float))
        self.mass = <double *>calloc(2 * leaves * (1 + 2 * self.D), sizeof(double))
        rows = <float *>malloc(2 * self.padded * (self.D + 1) * sizeof(float))
        if (self.x == NULL or self.w == NULL or self.order == NULL or self.label == NULL or self.node == NULL
            or self.box == NULL
                or self.mass == NULL or rows == NULL):
            free(rows)
            raise MemoryError("points of a k-d tree")
        with nogil:
            self.load(points, weights, rows)
            free(rows)
        raise_stopped()

    def __dealloc__(self):
        free(self.x)
        free(self.w)
        free(self.order)
        free(self.label)
        free(self.node)
        free(self.box)
        free(self.mass)
        self.drop_centres()

    # ------------------------------------------------------------ building

    cdef void load(self, const float[:, ::1] points, const double[::1] weights, float *rows) noexcept nogil:
        """Build from points as rows of coordinates and number, so that one copy moves a point;
        finally store them as planes."""
        cdef Py_ssize_t i, j
        cdef int t, D = self.D
        cdef float *row
        for i in range(self.padded):
            row = rows + i * (D + 1)
            j = min(i, self.n - 1)
            for t in range(D):
                row[t] = points[j, t]
            (<int32_t *>(row + D))[0] = <int32_t>i if i < self.n else -1
        self.nodes = 0
        self.build(rows, rows + self.padded * (D + 1), 0, self.padded, 0)
        if stopped():
            return
        for i in range(self.padded):
            row = rows + i * (D + 1)
            for t in range(D):
                self.x[t * self.padded + i] = row[t]
            self.order[i] = (<int32_t *>(row + D))[0]
            self.w[i] = weights[self.order[i]] if self.order[i] >= 0 else 0
        self.weigh(0)
        self.node[0].owner = NOBODY

    cdef void build(self, float *rows, float *spare, Py_ssize_t start, Py_ssize_t end, int depth) noexcept nogil:
        """Compute the box of the rows, then split along its longest side into halves of whole leaves."""
        cdef Py_ssize_t i, at = self.nodes, middle
        cdef int t, D = self.D, longest = 0
        cdef float least, most, v
        cdef float *lo = self.box + 2 * D * at
        cdef float *hi = lo + D
        cdef float *row = rows + start * (D + 1)
        if end - start > BETWEEN and stopped():
            return
        self.depth = max(self.depth, depth + 1)
        for t in range(D):
            least = most = row[t]
            for i in range(1, end - start):
                v = row[i * (D + 1) + t]
                least = v if v < least else least
                most = v if v > most else most
            lo[t], hi[t] = least, most
            if most - least > hi[longest] - lo[longest]:
                longest = t
        self.nodes += 1
        self.node[at].start, self.node[at].end, self.node[at].right, self.node[at].owner = start, end, 0, MIXED
        if end - start > LEAF:
            middle = start + ((end - start) // LEAF + 1) // 2 * LEAF
            self.part(rows, spare, longest, start, end, middle, <int>lo[longest], <int>hi[longest])
            self.build(rows, spare, start, middle, depth + 1)
            self.node[at].right = self.nodes
            self.build(rows, spare, middle, end, depth + 1)

    cdef void part(self, float *rows, float *spare, int axis, Py_ssize_t start, Py_ssize_t end, Py_ssize_t middle,
                   int least, int most) noexcept nogil:
        """Reorder rows so that no coordinate before `middle` exceeds one after it. Counting takes the
        same time for any input."""
        cdef int32_t count[COORDINATES]
        cdef Py_ssize_t i, below = 0, equal
        cdef int v, cut = 0, width = self.D + 1
        cdef float *row = rows + start * width
        cdef float *kept = row
        cdef float *above = spare
        memset(count, 0, (most - least + 1) * sizeof(int32_t))
        for i in range(end - start):
            count[<int>row[i * width + axis] - least] += 1
        while cut < most - least and below + count[cut] <= middle - start:
            below += count[cut]
            cut += 1
        equal = middle - start - below              # how many of the rows at the cut go to the left
        for i in range(end - start):
            v = <int>row[axis] - least
            if v < cut or (v == cut and equal > 0):
                equal -= v == cut
                copy_row(kept, row, width)
                kept += width
            else:
                copy_row(above, row, width)
                above += width
            row += width
        memcpy(kept, spare, (above - spare) * sizeof(float))

    cdef void weigh(self, Py_ssize_t at) noexcept nogil:
        """Sums over the points of a node and of its descendants."""
        cdef Node *node = self.node + at
        cdef Py_ssize_t i
        cdef int t, columns = 1 + 2 * self.D
        if node.right:
            self.weigh(at + 1)
            self.weigh(node.right)
            for t in range(columns):
                self.mass[at * columns + t] = self.mass[(at + 1) * columns + t] + self.mass[node.right * columns + t]
        else:
            for i in range(node.start, node.end):
                self.transfer(i, self.w[i], self.mass + at * columns)

    # ------------------------------------------------------------ seeds

    cdef double error_of(self, Py_ssize_t at) noexcept nogil:
        """Squared error of the points of a node about their mean."""
        cdef double *sum = self.mass + at * (1 + 2 * self.D)
        cdef double error = 0
        cdef int t
        if sum[0] > 0:
            for t in range(self.D):
                error += sum[1 + self.D + t] - sum[1 + t] * sum[1 + t] / sum[0]
        return error

    def seeds(self, Py_ssize_t k):
        """(at most k, 1 + 2 D) float64: sums of the nodes that result from repeatedly replacing the node of
        greatest error by its halves."""
        cdef Py_ssize_t[::1] node = np.zeros(k, np.intp)
        cdef double[::1] error = np.zeros(k)
        cdef Py_ssize_t nodes = 1, i, worst
        cdef int columns = 1 + 2 * self.D
        assert k > 0
        with nogil:
            error[0] = self.error_of(0) if self.node[0].right else 0
            while nodes < k:
                worst = 0
                for i in range(1, nodes):
                    if error[i] > error[worst]:
                        worst = i
                if error[worst] <= 0:
                    break
                node[nodes] = self.node[node[worst]].right
                node[worst] += 1
                error[worst] = self.error_of(node[worst]) if self.node[node[worst]].right else 0
                error[nodes] = self.error_of(node[nodes]) if self.node[node[nodes]].right else 0
                nodes += 1
        made = np.empty((nodes, columns))
        cdef double[:, ::1] out = made
        for i in range(nodes):
            memcpy(&out[i, 0], self.mass + node[i] * columns, columns * sizeof(double))
        return made

    # ------------------------------------------------------------ sums of centres

    cdef inline void transfer(self, Py_ssize_t i, double w, double *sum) noexcept nogil:
        """Add w times point i to a row of sums."""
        cdef int t
        cdef double x
        sum[0] += w
        for t in range(self.D):
            x = self.x[t * self.padded + i]
            sum[1 + t] += w * x
            sum[1 + self.D + t] += w * x * x

    cdef void transfer_node(self, Py_ssize_t at, int32_t owner, int sign) noexcept nogil:
        """Add all points of a node to a centre or, with sign -1, remove them from it."""
        cdef int t, columns = 1 + 2 * self.D
        if owner != NOBODY:
            for t in range(columns):
                self.sums[owner * columns + t] += sign * self.mass[at * columns + t]

    cdef void take_away(self, Py_ssize_t at) noexcept nogil:
        """Remove the points of a node from their centres."""
        cdef Node *node = self.node + at
        cdef Py_ssize_t i
        if node.owner != MIXED:
            self.transfer_node(at, node.owner, -1)
        elif node.right:
            self.take_away(at + 1)
            self.take_away(node.right)
        else:
            for i in range(node.start, node.end):
                self.transfer(i, -self.w[i], self.sums + self.label[i] * (1 + 2 * self.D))

    cdef void settle_leaf(self, Py_ssize_t at, const codec_centres *kept) noexcept nogil:
        """Compare the points of a leaf with the candidates, and move those whose centre changes."""
        cdef Node *node = self.node + at
        cdef float distance[LEAF]
        cdef int32_t label[LEAF]
        cdef int32_t before
        cdef int i, columns = 1 + 2 * self.D
        codec_nearest_points[self.variant](self.x + node.start, self.padded, self.D, kept.z, kept.stride, kept.name,
                                           kept.candidates, distance, label)
        for i in range(LEAF):
            before = self.label[node.start + i] if node.owner == MIXED else node.owner
            if before != label[i]:
                if before != NOBODY:
                    self.transfer(node.start + i, -self.w[node.start + i], self.sums + before * columns)
                self.transfer(node.start + i, self.w[node.start + i], self.sums + label[i] * columns)
            self.label[node.start + i] = label[i]
        node.owner = MIXED

    # ------------------------------------------------------------ assignment

    cdef void visit(self, Py_ssize_t at, int level) noexcept nogil:
        """Assign the points of a node, given the list of its level."""
        cdef Node *node = self.node + at
        cdef float *lo = self.box + 2 * self.D * at
        cdef codec_centres *kept = self.level + level + 1
        if node.end - node.start > BETWEEN and stopped():
            return
        codec_filter[self.variant](lo, lo + self.D, self.D, self.level + level, kept, self.distance, self.keep)
        if kept.all == kept.unmoved:
            return
        if kept.candidates == 1:
            if node.owner != kept.name[0]:
                self.take_away(at)
                self.transfer_node(at, kept.name[0], 1)
                node.owner = kept.name[0]
        elif node.right:
            if node.owner != MIXED:
                self.node[at + 1].owner = self.node[node.right].owner = node.owner
                node.owner = MIXED
            self.visit(at + 1, level + 1)
            self.visit(node.right, level + 1)
        else:
            if kept.unmoved:
                self.merge(kept, self.level + level + 2)
                kept = self.level + level + 2
            self.settle_leaf(at, kept)

    cdef void merge(self, const codec_centres *given, codec_centres *merged) noexcept nogil:
        """Sort candidates by name, since ties go to the first."""
        cdef int a = 0, b = given.unmoved, c, n, t
        for n in range(given.candidates):
            if b == given.candidates or (a < given.unmoved and given.name[a] < given.name[b]):
                c = a
                a += 1
            else:
                c = b
                b += 1
            merged.name[n] = given.name[c]
            for t in range(self.D):
                merged.z[t * merged.stride + n] = given.z[t * given.stride + c]
        merged.candidates = given.candidates

    cdef void drop_centres(self) noexcept nogil:
        cdef int i
        if self.level != NULL:
            for i in range(self.depth + 2):
                free(self.level[i].z)
                free(self.level[i].name)
        free(self.level)
        free(self.sums)
        free(self.centres)
        free(self.distance)
        free(self.keep)
        self.level = NULL
        self.sums = NULL
        self.centres = NULL
        self.distance = NULL
        self.keep = NULL
        self.k = 0

    cdef int make_room(self, Py_ssize_t k) noexcept nogil:
        """Allocate for k centres and forget all assignments. Returns 0, or -1 if out of memory."""
        cdef int i
        self.drop_centres()
        self.level = <codec_centres *>calloc(self.depth + 2, sizeof(codec_centres))
        self.sums = <double *>calloc(k * (1 + 2 * self.D), sizeof(double))
        self.centres = <float *>malloc(k * self.D * sizeof(float))
        self.distance = <int32_t *>malloc((2 * k + LANES) * sizeof(int32_t))
        self.keep = <int32_t *>malloc((2 * k + LANES) * sizeof(int32_t))
        if self.level == NULL or self.sums == NULL or self.centres == NULL or self.distance == NULL:
            return -1
        if self.keep == NULL:
            return -1
        for i in range(self.depth + 2):
            self.level[i].stride = 2 * k
            self.level[i].z = <float *>calloc(2 * k * self.D + LANES, sizeof(float))
            self.level[i].name = <int32_t *>malloc(2 * k * sizeof(int32_t))
            if self.level[i].z == NULL or self.level[i].name == NULL:
                return -1
        self.k = k
        self.node[0].owner = NOBODY
        return 0

    cdef void enter(self, const float *from_, Py_ssize_t c) noexcept nogil:
        """Add a centre to the end of the first list."""
        cdef codec_centres *first = self.level
        cdef int t
        for t in range(self.D):
            first.z[t * first.stride + first.all] = from_[t]
        first.name[first.all] = <int32_t>c
        first.all += 1

    cdef void list_centres(self, const float *centres, bint afresh) noexcept nogil:
        """Make the first list: unmoved centres, moved ones, their old places; or, `afresh`, all as if
        new, without old places."""
        cdef codec_centres *first = self.level
        cdef Py_ssize_t c, moved = 0, row = self.D * sizeof(float)
        first.all = 0
        for c in range(self.k):
            self.keep[c] = memcmp(centres + c * self.D, self.centres + c * self.D, row) != 0
            moved += self.keep[c]
        if afresh or 2 * moved > self.k:
            for c in range(self.k):
                self.keep[c] = 1
            moved = self.k
        for c in range(self.k):
            if not self.keep[c]:
                self.enter(centres + c * self.D, c)
        first.unmoved = first.all
        for c in range(self.k):
            if self.keep[c]:
                self.enter(centres + c * self.D, c)
        first.candidates = first.all
        for c in range(self.k):
            if self.keep[c] and moved < self.k:
                self.enter(self.centres + c * self.D, c)
        memcpy(self.centres, centres, self.k * row)

    def assign(self, const float[:, ::1] centres):
        """Find the nearest of k centres for every point.

        Parameters
        ----------
        centres : (k, D) float32
            Integers, as the points.

        Returns
        -------
        (k, 1 + 2 D) float64
            Sums over the points nearest to each centre: of weights, of weights times coordinates, of weights
            times squared coordinates.
        """
        cdef Py_ssize_t k = centres.shape[0]
        cdef bint afresh = k != self.k
        assert centres.shape[1] == self.D and 0 < k < 1 << 24
        made = np.empty((k, 1 + 2 * self.D))
        cdef double[:, ::1] out = made
        begin_use(&self.busy)
        if afresh and self.make_room(k) != 0:
            self.drop_centres()
            end_use(&self.busy)
            raise MemoryError("centres")
        with nogil:
            self.list_centres(&centres[0, 0], afresh)
            self.visit(0, 0)
            memcpy(&out[0, 0], self.sums, k * (1 + 2 * self.D) * sizeof(double))
            if stopped():
                self.drop_centres()
        end_use(&self.busy)
        raise_stopped()
        return made

    cdef void hand_down(self, Py_ssize_t at) noexcept nogil:
        """Copy the owners of nodes to all their points."""
        cdef Node *node = self.node + at
        cdef Py_ssize_t i
        if node.owner != MIXED:
            for i in range(node.start, node.end):
                self.label[i] = node.owner
        elif node.right:
            self.hand_down(at + 1)
            self.hand_down(node.right)

    def labels(self):
        """(n,) int32: the centre of each point at the last `assign`, in the order in which they came."""
        made = np.empty(self.n, np.int32)
        cdef int32_t[::1] label = made
        cdef Py_ssize_t i
        assert self.k
        begin_use(&self.busy)
        with nogil:
            self.hand_down(0)
            for i in range(self.padded):
                if self.order[i] >= 0:
                    label[self.order[i]] = self.label[i]
        end_use(&self.busy)
        return made


def cheapest_merges(const double[:, ::1] centres, const double[::1] weights):
    """For each of k centres the cheapest centre to merge it with, (k,) intp, and the cost, (k,) float64.

    Merging two clusters adds wv / (w + v) times the squared distance of their means to the error (Ward, J.
    Am. Stat. Assoc. 58, 1963).
    """
    cdef Py_ssize_t k = centres.shape[0], i, j, t
    cdef double cost, e
    partners, costs = np.zeros(k, np.intp), np.full(k, np.inf)
    cdef Py_ssize_t[::1] partner = partners
    cdef double[::1] least = costs
    with nogil:
        for i in range(k):
            if stopped():
                break
            for j in range(i):
                cost = 0
                for t in range(centres.shape[1]):
                    e = centres[i, t] - centres[j, t]
                    cost += e * e
                cost = cost * weights[i] * weights[j] / max(weights[i] + weights[j], 1)
                if cost < least[i]:
                    least[i], partner[i] = cost, j
                if cost < least[j]:
                    least[j], partner[j] = cost, i
    raise_stopped()
    return partners, costs


# ---------------------------------------------------------------- cutting boxes

cdef struct Cut:
    double gain                 # by how much the cut lowers the squared error
    Py_ssize_t start, end
    int axis, threshold         # coordinates below the threshold go to the left


cdef struct Cutting:
    const float *points         # (n, D)
    const double *weights
    int32_t *order              # (n,) points, box by box
    int32_t *spare              # (n,)
    int D
    bint all_axes               # compare all axes, not only the one of greatest variance
    double *first               # (D,) sums over a box of weight times coordinate, and of squares
    double *second
    double *left                # (1 + D,)
    # (COORDINATES, 1 + D): sums of weight and of weight times coordinates, per value of the cut coordinate
    double *bucket


cdef void try_axis(const Cutting *c, int axis, double total, Cut *cut) noexcept nogil:
    """Find the threshold on one axis that leaves the least error on both sides; store it if it improves the cut."""
    cdef Py_ssize_t i, columns = 1 + c.D
    cdef int t, v, least = COORDINATES, most = 0
    cdef double w, gain, rest
    cdef const float *p
    cdef double *sum
    for i in range(cut.start, cut.end):
        v = <int>c.points[c.D * c.order[i] + axis]
        least, most = min(least, v), max(most, v)
    memset(c.bucket + least * columns, 0, (most - least + 1) * columns * sizeof(double))
    for i in range(cut.start, cut.end):
        p = c.points + c.D * c.order[i]
        w = c.weights[c.order[i]]
        sum = c.bucket + <int>p[axis] * columns
        sum[0] += w
        for t in range(c.D):
            sum[1 + t] += w * p[t]
    memset(c.left, 0, columns * sizeof(double))
    for v in range(least, most):
        sum = c.bucket + v * columns
        if sum[0] == 0:
            continue
        for t in range(columns):
            c.left[t] += sum[t]
        if c.left[0] == total:
            break
        gain = 0
        for t in range(c.D):
            rest = c.first[t] - c.left[1 + t]
            gain += (c.left[1 + t] * c.left[1 + t] / c.left[0] + rest * rest / (total - c.left[0])
                     - c.first[t] * c.first[t] / total)
        if gain > cut.gain:
            cut.gain, cut.axis, cut.threshold = gain, axis, v + 1


cdef void plan_cut(const Cutting *c, Cut *cut) noexcept nogil:
    """The best cut of a box: the remaining squared error is least where sum^2 / weight, added over both sides, is
    greatest (Wu, "Color Quantization by Dynamic Programming and Principal Analysis", ACM TOG 11(4), 1992)."""
    cdef Py_ssize_t i
    cdef int t, widest = 0
    cdef double w, x, total = 0, spread, best = -1
    memset(c.first, 0, c.D * sizeof(double))
    memset(c.second, 0, c.D * sizeof(double))
    for i in range(cut.start, cut.end):
        w = c.weights[c.order[i]]
        total += w
        for t in range(c.D):
            x = c.points[c.D * c.order[i] + t]
            c.first[t] += w * x
            c.second[t] += w * x * x
    for t in range(c.D):
        spread = c.second[t] - c.first[t] * c.first[t] / total
        if spread > best:
            widest, best = t, spread
    cut.gain = 0
    for t in range(c.D):
        if c.all_axes or t == widest:
            try_axis(c, t, total, cut)


cdef int cut_boxes(Cutting *c, Cut *cuts, int k, Py_ssize_t n) noexcept nogil:
    """Cut boxes, best cut first; returns the number of boxes."""
    cdef int boxes = 1, b, best
    cdef Py_ssize_t middle
    cuts[0].start, cuts[0].end = 0, n
    plan_cut(c, cuts)
    while boxes < k and not stopped():
        best = 0
        for b in range(1, boxes):
            if cuts[b].gain > cuts[best].gain:
                best = b
        if cuts[best].gain <= 0:
            break
        middle = split(c.points + cuts[best].axis, c.D, c.order, cuts[best].start, cuts[best].end, cuts[best].threshold,
                       c.spare)
        cuts[boxes].start, cuts[boxes].end, cuts[best].end = middle, cuts[best].end, middle
        plan_cut(c, cuts + best)
        plan_cut(c, cuts + boxes)
        boxes += 1
    return boxes


def variance_cut(const float[:, ::1] points, const double[::1] weights, int k, bint all_axes=False):
    """Repeatedly make the cut that lowers the squared error most, until there are k boxes or nothing is left to cut.

    Parameters
    ----------
    points : (n, D) float32
    weights : (n,) float64
        Positive.
    k : int
    all_axes : bool
        Whether cuts across all axes are compared, as Wu does; otherwise only those across the axis of greatest
        variance.

    Returns
    -------
    (n,) int32
        The box of each point, numbered from 0 without gaps.
    """
    cdef Py_ssize_t n = points.shape[0], i
    cdef int boxes, b
    cdef Cutting c
    assert weights.shape[0] == n and n > 0 and k > 0
    box = np.zeros(n, np.int32)
    cdef int32_t[::1] out = box
    c.points, c.weights, c.D, c.all_axes = &points[0, 0], &weights[0], <int>points.shape[1], all_axes
    c.order = <int32_t *>malloc(2 * n * sizeof(int32_t))
    c.spare = c.order + n
    c.first = <double *>malloc((3 * c.D + 1 + COORDINATES * (1 + c.D)) * sizeof(double))
    c.second, c.left, c.bucket = c.first + c.D, c.first + 2 * c.D, c.first + 3 * c.D + 1
    cdef Cut *cuts = <Cut *>malloc(k * sizeof(Cut))
    if c.order == NULL or c.first == NULL or cuts == NULL:
        free(c.order)
        free(c.first)
        free(cuts)
        raise MemoryError("boxes")
    with nogil:
        for i in range(n):
            c.order[i] = <int32_t>i
        boxes = cut_boxes(&c, cuts, k, n)
        for b in range(boxes):
            for i in range(cuts[b].start, cuts[b].end):
                out[c.order[i]] = b
        free(c.order)
        free(c.first)
        free(cuts)
    raise_stopped()
    return box


cdef Py_ssize_t split(const float *key, int D, int32_t *order, Py_ssize_t start, Py_ssize_t end, int threshold,
                      int32_t *scratch) noexcept nogil:
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
