"""Steps about the contract's files."""

from pathlib import Path

from behave import then, when

from cluster.commands.openapi_files import Asked


@when("the {role:w} is asked for its OpenAPI document")
def when_asked_for_openapi(context, role):
    context.asked = Asked.of(context.world, role)


@then("it is the document in docs/openapi")
def then_openapi_is_true(context):
    different = context.asked.differences(Path(context.config.base_dir))
    assert not different, (
        f"docs/openapi/{context.asked.role}.json (left) is not what is served (right); "
        "`beehave openapi` writes it anew:\n" + "\n".join(different)
    )
