"""Money as whole micro-units of one currency; prices enter as `Decimal`, never as float."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

USD = "USD"
MOCK_CURRENCY = "XTS"
"""ISO 4217 "reserved for testing": what emulated vendors charge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An amount. `micros` is millionths of one unit of `currency`."""

    currency: str
    micros: int

    @classmethod
    def of(cls, amount: Decimal | str, currency: str = USD) -> Self:
        """Exact amount from a decimal number of units, rounded half up to the micro-unit."""
        micros = (Decimal(amount) * 1_000_000).to_integral_value(rounding=ROUND_HALF_UP)
        return cls(currency=currency, micros=int(micros))

    def __str__(self) -> str:
        amount = Decimal(self.micros) / 1_000_000
        text = f"{amount:.2f}" if amount == amount.quantize(Decimal("0.01")) else f"{amount.normalize():f}"
        return f"{text} {self.currency}"
