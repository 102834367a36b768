"""All recipes by the operator's name."""

from __future__ import annotations

from .recipe import Recipe
from .recipes_movement import MOVEMENT
from .recipes_pointwise import POINTWISE
from .recipes_products import PRODUCTS
from .recipes_quantized import QUANTIZED
from .recipes_selection import SELECTION
from .recipes_windows import WINDOWS

RECIPES: dict[str, Recipe] = {
    recipe.op: recipe for family in (POINTWISE, MOVEMENT, PRODUCTS, SELECTION, WINDOWS, QUANTIZED) for recipe in family
}
