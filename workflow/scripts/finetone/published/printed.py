"""A number as it was printed: its digits are the evidence, so it keeps its text."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

Rounding = Literal["nearest", "cut"]
_NUMBER = re.compile(r"([-−]?)([0-9]{1,9})(?:\.([0-9]{1,17}))?")


@dataclass(frozen=True)
class Printed:
    """A number as printed.

    Attributes
    ----------
    text
        As in the table.
    units
        In units of its last digit.
    decimals
        Digits after the point.
    scale
        What 1 is printed as: 100 in percent, else 1.
    """

    text: str
    units: int
    decimals: int
    scale: int = 100

    @classmethod
    def parse(cls, text: str, scale: int = 100) -> "Printed":
        """Read a plain decimal number; ValueError for anything else."""
        match = _NUMBER.fullmatch(text)
        if not match:
            raise ValueError(text)
        sign, whole, digits = match[1], match[2], match[3] or ""
        units = int(whole + digits)
        return cls(text, -units if sign else units, len(digits), scale)

    @property
    def steps(self) -> int:
        """A share of 1 in units of the last digit."""
        return int(self.scale * 10**self.decimals)

    @property
    def value(self) -> Fraction:
        """The printed number, exactly."""
        return Fraction(self.units, 10**self.decimals)

    @property
    def share(self) -> Fraction:
        """The printed number as a share of 1, exactly."""
        return Fraction(self.units, self.steps)

    def between(self, rounding: Rounding | None = None) -> tuple[Fraction, Fraction]:
        """Bounds of the shares that print so; those of either rounding if it is not given."""
        low = self.units if rounding == "cut" else self.units - Fraction(1, 2)
        high = self.units + (Fraction(1, 2) if rounding == "nearest" else 1)
        return Fraction(low) / self.steps, Fraction(high) / self.steps

    def moved(self, by: int) -> "Printed":
        """The printable number `by` units of the last digit further."""
        units = self.units + by
        sign, digits = "-" if units < 0 else "", f"{abs(units):0{self.decimals + 1}}"
        point = len(digits) - self.decimals
        text = sign + digits[:point] + ("." + digits[point:] if self.decimals else "")
        return replace(self, text=text, units=units)

    def without_zero(self) -> "Printed":
        """The number without a 0 at its end, which may have been added to a shorter one."""
        if self.decimals == 0 or self.units % 10:
            return self
        return replace(
            self, text=self.text[:-1], units=self.units // 10, decimals=self.decimals - 1
        )
