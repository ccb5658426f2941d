"""Convex polygons in metres: cut, shrink, measure, fill with points.

A polygon is an array (N, 2) of x, y, counter-clockwise.
"""

from __future__ import annotations

import math

import numpy as np

from geoloc.arrays import Float64Array, Mask


def clip(polygon: Float64Array, normal: Float64Array, offset_m: float) -> Float64Array:
    """The part of a polygon where ``point . normal <= offset_m`` (Sutherland and Hodgman)."""
    beyond = polygon @ normal - offset_m
    kept: list[Float64Array] = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if beyond[i] <= 0:
            kept.append(polygon[i])
        if beyond[i] * beyond[j] < 0:
            share = beyond[i] / (beyond[i] - beyond[j])
            kept.append(polygon[i] + share * (polygon[j] - polygon[i]))
    return np.array(kept).reshape(-1, 2)


def outward_normals(polygon: Float64Array) -> Float64Array:
    """Unit normals (N, 2) of the edges, pointing out."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    normals = np.column_stack([edges[:, 1], -edges[:, 0]])
    lengths = np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return np.asarray(normals / lengths)


def inset(polygon: Float64Array, margin_m: float) -> Float64Array:
    """The polygon shrunk by a margin on all sides; empty where nothing is left."""
    shrunk = polygon
    for corner, normal in zip(polygon, outward_normals(polygon), strict=True):
        if len(shrunk) < 3:
            break
        shrunk = clip(shrunk, normal, float(corner @ normal) - margin_m)
    return shrunk if len(shrunk) >= 3 else np.empty((0, 2))


def area_m2(polygon: Float64Array) -> float:
    """The area; 0 for fewer than three points."""
    if len(polygon) < 3:
        return 0.0
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def longest_edge_rad(polygon: Float64Array) -> float:
    """Direction of the longest edge, counter-clockwise from east."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    edge = edges[np.argmax((edges**2).sum(1))]
    return math.atan2(edge[1], edge[0])


def axes(angle_rad: float) -> Float64Array:
    """Two unit vectors (2, 2): along an angle, and to the left of it."""
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cos, sin], [-sin, cos]])


def extent(polygon: Float64Array, angle_rad: float) -> tuple[Float64Array, float, float]:
    """Centre (2,), length and width of the rectangle at an angle that holds the polygon."""
    frame = axes(angle_rad)
    local = polygon @ frame.T
    low, high = local.min(0), local.max(0)
    length_m, width_m = high - low
    return ((low + high) / 2) @ frame, float(length_m), float(width_m)


def rectangle(
    centre: Float64Array, length_m: float, width_m: float, angle_rad: float
) -> Float64Array:
    """Corners (4, 2) of a rectangle, its length along the angle."""
    half = np.array([[-length_m, -width_m], [length_m, -width_m], [length_m, width_m]]) / 2
    corners = np.vstack([half, [-length_m / 2, width_m / 2]])
    return np.asarray(np.asarray(centre) + corners @ axes(angle_rad))


def ellipse(
    centre: Float64Array, length_m: float, width_m: float, angle_rad: float
) -> Float64Array:
    """An ellipse of 24 corners (24, 2)."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    local = np.column_stack([np.cos(turn) * length_m / 2, np.sin(turn) * width_m / 2])
    return np.asarray(np.asarray(centre) + local @ axes(angle_rad))


def blob(
    centre: Float64Array, radius_m: float, roughness: float, rng: np.random.Generator
) -> Float64Array:
    """A round shape with an uneven outline (14, 2)."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radius = radius_m * (1 + roughness * rng.uniform(-1, 1, 14))
    around = np.column_stack([np.cos(turn), np.sin(turn)]) * radius[:, None]
    return np.asarray(np.asarray(centre) + around)


def ribbon(start: Float64Array, end: Float64Array, width_m: float) -> Float64Array:
    """A straight strip (4, 2) of a width between two points."""
    along = np.asarray(end) - np.asarray(start)
    angle_rad = math.atan2(along[1], along[0])
    middle = (np.asarray(start) + np.asarray(end)) / 2
    return rectangle(middle, float(np.hypot(*along)), width_m, angle_rad)


def is_inside(polygon: Float64Array, points: Float64Array, margin_m: float = 0.0) -> Mask:
    """Which points (N, 2) lie at least a margin inside."""
    points = np.asarray(points).reshape(-1, 2)
    normals = outward_normals(polygon)
    limits = (polygon * normals).sum(1) - margin_m
    return np.asarray((points @ normals.T <= limits).all(1))


def scatter(polygon: Float64Array, count: int, rng: np.random.Generator) -> Float64Array:
    """About `count` random points (N, 2) inside; those outside are thrown away, not redrawn."""
    if len(polygon) < 3 or count < 1:
        return np.empty((0, 2))
    low, high = polygon.min(0), polygon.max(0)
    share = area_m2(polygon) / max(float(np.prod(high - low)), 1e-9)
    points = rng.uniform(low, high, (int(np.ceil(count / max(share, 0.1))), 2))
    return points[is_inside(polygon, points)]


def lattice(polygon: Float64Array, angle_rad: float, step_m: tuple[float, float]) -> Float64Array:
    """Points (N, 2) of a rectangular lattice at an angle inside the polygon."""
    centre, length_m, width_m = extent(polygon, angle_rad)
    along = np.arange(-length_m / 2 + step_m[0] / 2, length_m / 2, step_m[0])
    across = np.arange(-width_m / 2 + step_m[1] / 2, width_m / 2, step_m[1])
    local = np.stack(np.meshgrid(along, across), -1).reshape(-1, 2)
    points = centre + local @ axes(angle_rad)
    return np.asarray(points[is_inside(polygon, points)])


def split(
    polygon: Float64Array, point: Float64Array, angle_rad: float, gap_m: float
) -> list[Float64Array]:
    """Both sides of a line through a point at an angle, a gap apart; empty sides are left out."""
    normal = axes(angle_rad)[1]
    offset_m = float(np.asarray(point) @ normal)
    sides = [
        clip(polygon, normal, offset_m - gap_m / 2),
        clip(polygon, -normal, -offset_m - gap_m / 2),
    ]
    return [side for side in sides if len(side) >= 3]


def chord(
    polygon: Float64Array, point: Float64Array, angle_rad: float
) -> tuple[Float64Array, Float64Array] | None:
    """Where a line through a point at an angle enters and leaves; None if it passes by."""
    direction, normal = axes(angle_rad)
    side = (polygon - point) @ normal
    hits = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if side[i] * side[j] < 0:
            hits.append(polygon[i] + side[i] / (side[i] - side[j]) * (polygon[j] - polygon[i]))
    if len(hits) < 2:
        return None
    ordered = sorted(hits, key=lambda hit: float(hit @ direction))
    return ordered[0], ordered[-1]
