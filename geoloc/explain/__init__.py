"""Why the network puts a photo and a tile together: numbers, neural maps and one picture."""

from geoloc.explain.explanation import Explanation
from geoloc.explain.job import ExplainOptions, explain_photo
from geoloc.explain.picture import draw_explanation

__all__ = ["ExplainOptions", "Explanation", "draw_explanation", "explain_photo"]
