"""`verify`: asks a vendor what our tables say of it, with your key: free questions first, then one small purchase."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from importlib import metadata
from pathlib import Path

import typer
from filmgate_client.aio import AsyncFilmgateClient

from core import clock
from core.money import Money
from core.spec import ClipSpec, Wish
from jobs.endpoints import Endpoint, RowState
from providers import durations, prices
from providers.base import BaseVideoProvider
from providers.catalogue import ADAPTERS, Catalogue
from providers.model import LifecycleState, VideoModel
from providers.resolve import resolve
from server import settings as settings_module
from server import vendors
from server.app import Application, policy_of
from server.commands.serving import BAD_SETTINGS, settled
from server.commands.verify_probes import Probes
from server.commands.verify_purchases import Purchases
from server.commands.verify_redaction import Redaction
from server.commands.verify_transcript import Recorder, Report, as_text, written
from server.process import configure_logs
from server.settings import MockMode, Settings, SettingsError

_PROMPT = "a paper boat on a calm pond, soft morning light"
_RESOLUTION_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """What was asked for on the command line."""

    vendor: str
    max_cost: str
    model: str
    base_url: str | None
    yes: bool
    cancel: bool = False
    transcript: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What will be done."""

    provider: BaseVideoProvider
    endpoint: Endpoint
    row: VideoModel
    spec: ClipSpec
    limit: Money
    purchases: int

    @property
    def each(self) -> Money:
        """The most that one purchase may cost."""
        return prices.quote(self.row, self.spec).held_max

    @property
    def most(self) -> Money:
        """The most that all of them may cost."""
        return Money(currency=self.each.currency, micros=self.each.micros * self.purchases)


def run(purchase: Purchase, env_file: Path | None) -> int:
    """The exit status: 0 when every step passed, 1 when one did not or nothing was bought, 2 for what cannot be."""
    limit = _limit(purchase.max_cost)
    with tempfile.TemporaryDirectory(prefix="filmgate-verify-") as folder:
        settings = _settings(purchase, env_file, Path(folder))
        order = _order(purchase, settings, limit)
        if not _affordable(order):
            return 1
        path = _reserved(purchase)
        configure_logs(settings)
        recorder, report = Recorder(), Report(_redaction(settings, order))
        try:
            spent = asyncio.run(_verify(settings, purchase, order, recorder, report))
        finally:
            transcript = written(recorder, report, order.provider, _about(purchase, order))
            path.write_text(as_text(transcript), encoding="utf-8")
            typer.echo(f"transcript: {path}")
    return _verdict(report, spent)


def _verdict(report: Report, spent: Money | None) -> int:
    if spent is None:
        typer.echo("nothing was bought")
        return 1
    verdict = f"not as documented: {report.failed} of {len(report.steps)} steps" if report.failed else "as documented"
    typer.echo(f"{verdict}; spent {spent}")
    return 1 if report.failed else 0


def _bad(text: str) -> typer.Exit:
    typer.echo(f"error: {text}", err=True)
    return typer.Exit(BAD_SETTINGS)


def _limit(text: str) -> Money:
    try:
        return Money.of(Decimal(text))
    except InvalidOperation:
        raise _bad("--max-cost must be an amount such as 1.00") from None


def _settings(purchase: Purchase, env_file: Path | None, folder: Path) -> Settings:
    """The operator's, but without mocks, without a bucket, and without an address that belongs to another server."""
    adapter = ADAPTERS.get(purchase.vendor)
    address = {settings_module.url_field(adapter): purchase.base_url} if adapter is not None else {}
    by_callback = adapter is not None and adapter.answers_by_callback
    ports = {} if by_callback else {"http_port": 0}
    settings = settled(env_file, grpc_port=0, data_dir=folder, log_level="warning", **ports, **address)
    ours = {"mock": MockMode.NEVER, "s3_bucket": None}
    return settings.model_copy(update=ours if by_callback else {**ours, "public_url": None})


def _order(purchase: Purchase, settings: Settings, limit: Money) -> Order:
    try:
        adapters = vendors.surfaces(settings)
        catalogue = vendors.catalogue_of(settings, adapters)
        offered = vendors.choose(settings, adapters, None, catalogue=catalogue)
    except SettingsError as error:
        raise _bad(str(error)) from None
    provider = next((each for each in adapters if each.name == purchase.vendor), None)
    if provider is None:
        raise _bad(f"the vendors are {', '.join(sorted(each.name for each in adapters))}")
    if purchase.cancel and type(provider).cancel is BaseVideoProvider.cancel:
        raise _bad(f"{provider.name} cannot cancel")
    row = _row(purchase, catalogue)
    available = offered.availability(row)
    if available.state is not RowState.LIVE or available.endpoint is None:
        raise _bad(f"{provider.name} is not live here: {available.reason}")
    return Order(
        provider=provider,
        endpoint=available.endpoint,
        row=row,
        spec=_spec(row),
        limit=limit,
        purchases=2 if purchase.cancel else 1,
    )


def _row(purchase: Purchase, catalogue: Catalogue) -> VideoModel:
    """The named row, or the vendor's cheapest that works from text."""
    mine = [row for row in catalogue.rows.values() if row.provider == purchase.vendor and row.text]
    if purchase.model:
        row = next((row for row in mine if row.id == purchase.model), None)
        if row is None:
            raise _bad(f"{purchase.model} is no text model of {purchase.vendor}")
        return row
    living = [row for row in mine if row.lifecycle.state is LifecycleState.LIVE and row.enabled]
    if not living:
        raise _bad(f"{purchase.vendor} sells no text model any more")
    return min(living, key=lambda row: prices.quote(row, _spec(row)).expected.micros)


def _spec(row: VideoModel) -> ClipSpec:
    """The shortest clip of a row, all else as it comes."""
    assert row.text is not None
    return resolve(Wish(prompt=_PROMPT, duration=durations.shortest(row.text.durations)), row).spec


def _affordable(order: Order) -> bool:
    """Show what each step costs, and whether the sum is within the limit."""
    typer.echo(f"{order.provider.title}: {order.row.id}, {order.spec.duration or 0:g} s")
    lines = [("questions", "free"), ("one clip, to its end", f"at most {order.each}")]
    lines += [("one more, cancelled at once", f"at most {order.each}")] if order.purchases > 1 else []
    lines += [("sum", f"at most {order.most}"), ("limit", str(order.limit))]
    for name, cost in lines:
        typer.echo(f"  {name:28} {cost}")
    if order.most.micros > order.limit.micros:
        typer.echo("error: the quote is above --max-cost; nothing was sent", err=True)
        return False
    return True


def _reserved(purchase: Purchase) -> Path:
    """A file of our own for the transcript: what was paid for is never written over."""
    usual = f"filmgate-verify-{purchase.vendor}-{clock.now():%Y-%m-%d}"
    wanted = [purchase.transcript] if purchase.transcript else [Path(f"{usual}{n}.json") for n in _endings()]
    for path in wanted:
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise _bad(f"the transcript cannot be written: {error.strerror}") from None
        return path
    raise _bad(f"{wanted[0]} exists already; name another --transcript")


def _endings() -> list[str]:
    return ["", *(f"-{number}" for number in range(2, 100))]


def _redaction(settings: Settings, order: Order) -> Redaction:
    """Knows every secret of the settings, and by which hosts the vendor is public knowledge."""
    endpoint = order.endpoint
    secrets = [*settings.secrets().values(), endpoint.secret]
    private = {settings.google_cloud_project: "project"} if settings.google_cloud_project else {}
    public = [order.provider.base_url, *order.provider.hosts.values()]
    homes = {_origin(endpoint.base_url): "https://vendor.invalid"}
    return Redaction(secrets, private, homes | {_origin(each): _origin(each) for each in public if each})


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3]).lower()


@asynccontextmanager
async def _serving(settings: Settings, order: Order, recorder: Recorder) -> AsyncIterator[Application]:
    """The whole service, which tries once only, with the recorder at its one door to vendors."""
    policy = replace(policy_of(settings), clip_attempts=1, resolution_ttl=_RESOLUTION_SECONDS)
    application = Application(settings, policy=policy)
    await application.start()
    try:
        context = application.jobs.context
        context.vendor_client.observe = recorder.observe
        context.vendors.providers[order.provider.name] = recorder.watched(order.provider)
        yield application
    finally:
        await application.stop()


async def _verify(
    settings: Settings, purchase: Purchase, order: Order, recorder: Recorder, report: Report
) -> Money | None:
    """Ask, then buy; what was spent, or None when nothing was bought."""
    async with _serving(settings, order, recorder) as application:
        probes = _probes(application, purchase, order, recorder, report)
        if not await probes.run() or not _agreed(purchase, order):
            return None
        key = settings.api_key.get_secret_value() if settings.api_key else None
        async with AsyncFilmgateClient(f"127.0.0.1:{application.grpc_port}", tenant="verify", api_key=key) as client:
            purchases = Purchases(
                client=client, row=order.row, spec=order.spec, recorder=recorder, report=report, limit=order.limit
            )
            return await purchases.run(cancel=purchase.cancel)


def _probes(application: Application, purchase: Purchase, order: Order, recorder: Recorder, report: Report) -> Probes:
    context = application.jobs.context
    return Probes(
        provider=context.vendors.providers[order.provider.name],
        endpoint=context.vendors.endpoint(order.endpoint.name) or order.endpoint,
        client=context.vendor_client,
        row=order.row,
        spec=order.spec,
        recorder=recorder,
        report=report,
        elsewhere=purchase.base_url is not None,
    )


def _agreed(purchase: Purchase, order: Order) -> bool:
    if purchase.yes:
        return True
    try:
        return typer.confirm(f"Spend up to {order.most} at {order.provider.title}?")
    except typer.Abort:
        return False


def _about(purchase: Purchase, order: Order) -> dict[str, str]:
    adapter = type(order.provider)
    return {
        "vendor": order.provider.name,
        "model": order.row.id,
        "wire_name": order.row.wire_name,
        "date": clock.now().isoformat(timespec="seconds"),
        "adapter": f"{adapter.__module__}.{adapter.__qualname__}",
        "filmgate": metadata.version("filmgate"),
        "asked_at": "another address" if purchase.base_url else "the vendor's own address",
    }
