"""The owner's devices, and what they are called."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from llm_router.store.devices import list_devices, needs_touch, rename_device, touch_device
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import DeviceAnswer, DeviceChanges, DeviceList
from llm_router.web.deps import CallerDep, ServicesDep

router = APIRouter(prefix="/api/devices", tags=["devices"])


@router.get("", response_model=DeviceList)
async def index(
    services: ServicesDep, caller: CallerDep, user_agent: Annotated[str | None, Header()] = None
) -> Response:
    """The one that asks comes first, then those seen last."""
    now = services.clock.now_ms()
    async with services.database.read() as connection:
        devices = await list_devices(connection, caller.user_id, caller.device_id)
    if needs_touch(devices, caller.device_id, now):
        async with services.database.write(durable=False) as connection:
            await touch_device(connection, caller.user_id, caller.device_id, user_agent, now)
            devices = await list_devices(connection, caller.user_id, caller.device_id)
    return json_answer({"devices": [device.as_dict(is_current=device.id == caller.device_id) for device in devices]})


@router.patch("/{device_id}", response_model=DeviceAnswer)
async def change(
    device_id: str,
    body: DeviceChanges,
    services: ServicesDep,
    caller: CallerDep,
    user_agent: Annotated[str | None, Header()] = None,
) -> Response:
    """Names a device. The one that asks is there by asking."""
    async with services.database.write() as connection:
        if device_id == caller.device_id:
            await touch_device(connection, caller.user_id, device_id, user_agent, services.clock.now_ms())
        device = await rename_device(connection, caller.user_id, device_id, body.name)
    return json_answer(device.as_dict(is_current=device.id == caller.device_id))
