import asyncio

from cluster.world import World


async def before_scenario(context, scenario):  # expect: async-hook
    await asyncio.sleep(1)  # expect: sleep


def after_scenario(context, scenario):
    try:
        context.client.close()
    except Exception:  # expect: swallowing-except
        pass
