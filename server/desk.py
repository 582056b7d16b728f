"""From a request that was read to a plan that may be bought: all that is wrong is found before anything is told."""

from collections.abc import Sequence
from dataclasses import replace

from core.errors import InvalidRequest, NotFound, Precondition
from jobs import funds
from jobs.assets import inputs
from jobs.life import Jobs
from jobs.orders import Order, Plan
from server.checks import Findings, Refusals
from server.validation import Intake


class Desk:
    """Plans orders. Pure but for the checks of assets, addresses, inline images and own jobs, where there are any."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def plan(self, intake: Intake) -> Plan:
        """The plan of one request. Raises as `plans`."""
        (plan,) = await self.plans([intake], intake.findings)
        return plan

    async def plans(self, intakes: Sequence[Intake], findings: Findings) -> list[Plan]:
        """A plan each, all or none. Raises InvalidRequest with every violation of all of them.

        What has a code of its own (an unknown prompt; an unknown, retired or unavailable model) keeps it when it is the
        only thing wrong, and is one more violation otherwise.
        """
        plans: list[Plan] = []
        refusals = Refusals(findings)
        for given in intakes:
            intake, unknown = await self._with_prompt(given)
            if unknown is not None:
                refusals.add(intake.findings, "prompt_id", unknown)
            intake = await self._with_assets(intake)
            try:
                if not intake.findings.names("model"):  # without its name, another model would be planned for
                    plan = await self._plan(intake)
                    plans.append(plan)
                    intake.findings.merge(await self._jobs.check_own_jobs(intake.order, plan))
            except (NotFound, Precondition) as error:
                refusals.add(intake.findings, "model", error)
            except InvalidRequest as error:
                intake.findings.merge(error.violations)
            await self._look(intake)
        refusals.raise_if_any()
        return plans

    async def _with_prompt(self, intake: Intake) -> tuple[Intake, NotFound | None]:
        """The request with what the prompt that it names says; where there is none, as if it had words of its own."""
        order = intake.order
        if not (order.tenant and order.prompt_id):
            return intake, None
        try:
            return replace(intake, order=await self._jobs.with_prompt(order)), None
        except NotFound as error:
            worded = replace(order.wish, prompt=order.wish.prompt or "-")
            return replace(intake, order=replace(order, prompt_id="", wish=worded)), error

    async def _with_assets(self, intake: Intake) -> Intake:
        """The request with what is known of the uploaded files it names."""
        order, violations = await self._jobs.assets.resolve(intake.order)
        intake.findings.merge(violations)
        order, violations = await self._jobs.assets.measured(order)
        intake.findings.merge(violations)
        return replace(intake, order=order)

    async def _plan(self, intake: Intake) -> Plan:
        plan = self._jobs.plan(intake.order)
        order = await self._jobs.accounts.with_default_fallbacks(intake.order, plan.model)
        plan = plan if order is intake.order else self._jobs.plan(order)
        intake.findings.merge(plan.violations)
        limit = intake.order.max_cost
        if limit is not None:
            intake.findings.merge(funds.wrong_currency(limit, plan.currency))
        return plan

    async def _look(self, intake: Intake) -> None:
        order = intake.order
        if _has_addresses(order):
            intake.findings.merge(await self._jobs.check_urls(order))
        if _has_data(order):
            intake.findings.merge(await self._jobs.check_media(order))


def check_cost(plans: Sequence[Plan]) -> None:
    """Refuse a dry run as the real one would be. Raises Precondition."""
    for plan in plans:
        if (refusal := funds.over_cost(plan)) is not None:
            raise refusal


def _has_addresses(order: Order) -> bool:
    return bool(order.webhook) or any(media.uri for _, media in inputs(order.wish))


def _has_data(order: Order) -> bool:
    return any(media.data for _, media in inputs(order.wish))
