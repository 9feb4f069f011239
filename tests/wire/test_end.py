"""What a server leaves on the loop it ran on when it is closed without a drain: nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.wire.node import node
from tests.wire.test_rooms import Member, made


async def test_a_closed_server_leaves_no_timer_and_no_task(tmp_path: Path) -> None:
    async with node(tmp_path) as server:
        room = await made(server)
        member = await Member.come(server.port)
        await member.lesson()
        await member.answer()
        await member.enter(room["code"], "Ann")
        await Member.come_in.pop().aclose()
    loop: Any = asyncio.get_running_loop()
    assert [timer for timer in loop._scheduled if not timer.cancelled()] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
