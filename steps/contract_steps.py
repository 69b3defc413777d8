"""Steps about the contract's files."""

from pathlib import Path

from behave import then, when

from harness.openapi_files import differences, served, written


@when("the {role:w} is asked for its OpenAPI document")
def when_asked_for_openapi(context, role):
    context.role = role


@then("it is the document in docs/openapi")
def then_openapi_is_true(context):
    documented = written(Path(context.config.base_dir), context.role)
    now = served(context.world, context.role)
    different = differences(documented, now)
    assert not different, (
        f"docs/openapi/{context.role}.json (left) is not what the {context.role} serves (right); "
        "`beehave openapi` writes it anew:\n" + "\n".join(different)
    )
