"""The world as files: a GeoTIFF, photos with EXIF and DJI's XMP, and a table of the truth."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rasterio
from PIL import ExifTags, Image
from rasterio.io import MemoryFile

from geoloc.arrays import ByteArray
from geoloc.errors import OutputExistsError, ShortWriteError
from geoloc.geometry.crs import LonLat
from geoloc.image_size import ImageSize
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import replacing
from geoloc.synthetic.world.flight import FOCAL_35MM, DroneMetadata, Shot
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.panorama import RingFrame
from geoloc.synthetic.world.relief import BASE_ALTITUDE_M
from geoloc.synthetic.world.world import MapPicture, World

TRUTH_COLUMNS = (
    "photo",
    "camera_lon",
    "camera_lat",
    "rel_alt_m",
    "yaw_deg",
    "pitch_deg",
    "scene_lon",
    "scene_lat",
)

_SENSOR_FOCAL_SHARE = 4.5 / FOCAL_35MM
_MAKE, _MODEL = "DJI", "FC7303"
JPEG_QUALITY = 90
_THREADS = 2

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="DJI Meta Data"
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"
{lens}   drone-dji:GpsLatitude="{lat:+.7f}"
   drone-dji:GpsLongitude="{lon:+.7f}"
   drone-dji:AbsoluteAltitude="{altitude:+.2f}"
   drone-dji:RelativeAltitude="{rel_alt:+.2f}"
   drone-dji:GimbalRollDegree="{roll:+.2f}"
   drone-dji:GimbalYawDegree="{yaw:+.2f}"
   drone-dji:GimbalPitchDegree="{pitch:+.2f}"
   drone-dji:FlightRollDegree="+0.80"
   drone-dji:FlightYawDegree="{yaw:+.2f}"
   drone-dji:FlightPitchDegree="-2.10"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def write_map(
    world: World,
    path: str | Path,
    *,
    when: Moment | Season = "summer",
    gsd_m: float = 0.3,
    overwrite: bool = False,
) -> MapPicture:
    """Write the map of a moment as a tiled GeoTIFF in the world's CRS; it is returned too.

    Raises:
        OutputExistsError: `path` is there and `overwrite` was not asked for.
    """
    target = Path(path)
    _refuse_existing(target, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    picture = world.render_map(when, gsd_m=gsd_m)
    height_px, width_px = picture.pixels.shape[:2]
    profile = {
        "driver": "GTiff",
        "width": width_px,
        "height": height_px,
        "count": 3,
        "dtype": "uint8",
        "crs": picture.crs.to_wkt(),
        "transform": picture.transform,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "photometric": "RGB",
        "compress": "deflate",
        "zlevel": 1,  # texture packs no better at the price of seconds
        "predictor": 2,
        "num_threads": _THREADS,
    }
    # By way of memory: on a full disk libtiff prints a line for each block.
    with replacing(target, check=_check_map) as draft, MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(picture.pixels.transpose(2, 0, 1))
        draft.write_bytes(memory.getbuffer())
    return picture


def _check_map(path: Path) -> None:
    """Refuse a map that cannot be decoded: GDAL may write short without a word."""
    try:
        with rasterio.open(path) as dataset:
            dataset.read()
    except rasterio.errors.RasterioIOError as error:
        raise ShortWriteError(
            f"{path.parent}: the map that was written there cannot be read again; is its disk well?"
        ) from error


def write_photos(
    world: World,
    shots: Sequence[Shot],
    folder: str | Path,
    *,
    keep: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Take the photos of a flight and write them as JPEG with the drone's metadata, in order.

    With `keep` photos that are there already stay as they are.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    listener = progress or Silent()
    listener.start("taking photos", len(shots), "photos")
    for moment in dict.fromkeys(shot.moment for shot in shots):
        world.prepare(moment)  # once, rather than by both threads

    def take(job: tuple[int, Shot]) -> Path:
        number, shot = job
        path = target / shot.name
        if not (keep and path.exists()):
            write_photo(world, shot, path, noise_seed=number)
        return path

    written = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for path in pool.map(take, enumerate(shots)):
            written.append(path)
            listener.advance(1)
    return written


def write_photo(world: World, shot: Shot, path: str | Path, *, noise_seed: int = 0) -> None:
    """Take one photo and write it as JPEG with EXIF and DJI's XMP."""
    pixels = world.take_photo(
        shot.camera,
        shot.pose,
        at=shot.at,
        when=shot.moment,
        sensor=shot.sensor,
        noise_seed=noise_seed,
    )
    image = Image.fromarray(pixels)
    exif = _exif(shot.metadata, ImageSize(image.height, image.width)).tobytes()
    packet = _xmp(shot.metadata).encode()
    with replacing(Path(path)) as draft:
        image.save(draft, "JPEG", quality=JPEG_QUALITY, exif=exif, xmp=packet)


def write_truth(
    world: World, shots: Sequence[Shot], path: str | Path, *, overwrite: bool = False
) -> None:
    """Write where each photo was really taken and what it shows, as `geoloc evaluate` reads it.

    Raises:
        OutputExistsError: `path` is there and `overwrite` was not asked for.
    """
    target = Path(path)
    _refuse_existing(target, overwrite)
    with replacing(target) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(TRUTH_COLUMNS)
        writer.writerows(truth_row(world, shot) for shot in shots)


def truth_row(world: World, shot: Shot) -> list[str]:
    """A row of the truth, by its columns."""
    camera = world.lonlat(shot.at)
    middle = world.scene_of(shot.camera, shot.pose, shot.at)
    scene = ("", "") if middle is None else tuple(f"{v:.8f}" for v in world.lonlat(middle))
    pose = shot.pose
    angles = (f"{pose.height_m:.2f}", f"{pose.heading_deg:.2f}", f"{pose.pitch_deg:.2f}")
    return [shot.name, f"{camera.lon:.8f}", f"{camera.lat:.8f}", *angles, *scene]


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        message = f"{path} exists; choose another name or ask for overwriting"
        raise OutputExistsError(message, path=path)


def _exif(metadata: DroneMetadata, size: ImageSize) -> Image.Exif:
    """EXIF as a drone of DJI writes it."""
    base = ExifTags.Base
    exif = Image.Exif()
    if metadata.focal_35mm is not None:
        exif[base.Make], exif[base.Model] = _MAKE, _MODEL
    exif[base.Orientation] = 1
    exif[base.DateTime] = metadata.timestamp
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[base.DateTimeOriginal] = metadata.timestamp
    details[base.DateTimeDigitized] = metadata.timestamp
    if metadata.focal_35mm is not None:
        details[base.FocalLength] = metadata.focal_35mm * _SENSOR_FOCAL_SHARE
        details[base.FocalLengthIn35mmFilm] = metadata.focal_35mm
    details[base.ExifImageWidth], details[base.ExifImageHeight] = size.width_px, size.height_px
    write_gps(exif, metadata.position, BASE_ALTITUDE_M + metadata.rel_alt_m)
    return exif


def write_gps(exif: Image.Exif, position: LonLat, altitude_m: float) -> None:
    """Set the position of a photo."""
    gps = ExifTags.GPS
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    lon, lat = position
    place[gps.GPSVersionID] = b"\x02\x03\x00\x00"
    place[gps.GPSLatitudeRef], place[gps.GPSLatitude] = "S" if lat < 0 else "N", _degrees(lat)
    place[gps.GPSLongitudeRef], place[gps.GPSLongitude] = "W" if lon < 0 else "E", _degrees(lon)
    place[gps.GPSAltitudeRef] = b"\x00"
    place[gps.GPSAltitude] = round(altitude_m, 3)


def _degrees(value: float) -> tuple[float, float, float]:
    """Degrees, minutes, seconds."""
    minutes, seconds = divmod(round(abs(value) * 3600, 4), 60)
    degrees, minutes = divmod(minutes, 60)
    return degrees, minutes, round(seconds, 4)


def _xmp(metadata: DroneMetadata) -> str:
    """The XMP packet of a drone of DJI."""
    stated = metadata.focal_35mm is not None
    return _XMP.format(
        lens=f'   tiff:Make="{_MAKE}"\n   tiff:Model="{_MODEL}"\n' if stated else "",
        lat=metadata.position.lat,
        lon=metadata.position.lon,
        altitude=BASE_ALTITUDE_M + metadata.rel_alt_m,
        rel_alt=metadata.rel_alt_m,
        roll=metadata.roll_deg,
        yaw=metadata.yaw_deg,
        pitch=metadata.pitch_deg,
    )


_GPANO_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"
   GPano:UsePanoramaViewer="True"
   GPano:ProjectionType="equirectangular"
   GPano:PoseHeadingDegrees="{heading:.2f}"
   GPano:PosePitchDegrees="0.0"
   GPano:PoseRollDegrees="0.0"
   GPano:FullPanoWidthPixels="{full_width}"
   GPano:FullPanoHeightPixels="{full_height}"
   GPano:CroppedAreaImageWidthPixels="{width}"
   GPano:CroppedAreaImageHeightPixels="{height}"
   GPano:CroppedAreaLeftPixels="0"
   GPano:CroppedAreaTopPixels="{top}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def write_panorama(pixels: ByteArray, ring: RingFrame, position: LonLat, path: str | Path) -> None:
    """Write a panorama (height, width, 3) as JPEG with its position, heading and span (GPano).

    GPano knows one scale for both axes: the ring has as many pixels a degree up as around.
    """
    packet = _GPANO_XMP.format(
        heading=ring.heading_deg % 360,
        full_width=ring.width_px,
        full_height=ring.width_px // 2,
        width=ring.width_px,
        height=ring.height_px,
        top=round((90 - ring.top_deg) / 360 * ring.width_px),
    )
    _write_jpeg(pixels, path, _ground_exif(position), packet.encode())


def write_street_photo(
    pixels: ByteArray, focal_35mm: int, position: LonLat, path: str | Path
) -> None:
    """Write a perspective photo (height, width, 3) as JPEG with position and focal length."""
    exif = _ground_exif(position)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = focal_35mm
    _write_jpeg(pixels, path, exif, None)


def write_tile(pixels: ByteArray, path: str | Path) -> None:
    """Write a tile (height, width, 3), lossless."""
    with replacing(Path(path)) as draft:
        Image.fromarray(pixels).save(draft, "PNG", compress_level=3)


def street_focal_px(focal_35mm: int, width_px: int, height_px: int) -> float:
    """Focal length in pixels; the 35 mm equivalent is a matter of diagonals."""
    return focal_35mm * math.hypot(width_px, height_px) / math.hypot(36.0, 24.0)


def _ground_exif(position: LonLat) -> Image.Exif:
    """EXIF with the position, and without a heading."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    write_gps(exif, position, BASE_ALTITUDE_M)
    return exif


def _write_jpeg(pixels: ByteArray, path: str | Path, exif: Image.Exif, xmp: bytes | None) -> None:
    extra = {"xmp": xmp} if xmp else {}
    image = Image.fromarray(pixels)
    with replacing(Path(path)) as draft:
        image.save(draft, "JPEG", quality=JPEG_QUALITY, exif=exif.tobytes(), **extra)
