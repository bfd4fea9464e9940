"""Budgets: how much money may go in a day or a month, for all, for a device or for a model."""

from fastapi import APIRouter
from starlette.responses import Response

from llm_router.domain.errors import NoRoute
from llm_router.domain.usage import nanousd
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import BudgetAnswer, BudgetBody, BudgetList
from llm_router.web.deps import CallerDep, Services, ServicesDep

router = APIRouter(prefix="/api/budgets", tags=["budgets"])


@router.get("", response_model=BudgetList)
async def index(services: ServicesDep, caller: CallerDep) -> Response:
    """Each with what is spent and held back in the period that runs."""
    budgets = await services.budgets.overview(caller.user_id)
    return json_answer({"budgets": [budget.as_dict() for budget in budgets]})


@router.post("", status_code=201, response_model=BudgetAnswer)
async def create(body: BudgetBody, services: ServicesDep, caller: CallerDep) -> Response:
    subject = body.subject
    if body.scope == "model" and subject is not None:
        subject = await _catalog_id(services, subject)
    budget = await services.budgets.create(caller.user_id, body.period, body.scope, subject, nanousd(body.limit))
    return json_answer(budget.as_dict(), 201)


@router.delete("/{budget_id}", status_code=204, response_class=Response)
async def delete(budget_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    await services.budgets.delete(caller.user_id, budget_id)
    return Response(status_code=204)


async def _catalog_id(services: Services, model: str) -> str:
    """What the ledger calls it, whichever of its names was given. Raises UnknownModel."""
    await services.catalog.warm()
    try:
        return services.catalog.resolve(model).info.id
    except NoRoute as error:
        # It cannot be asked now, for want of a key perhaps; it may be before the money is gone.
        return str((error.details or {}).get("model", model))
