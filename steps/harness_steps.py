"""Steps that run behave in a child process and look at what it does, for the features of the harness itself."""

from behave import given, then, when

from beehave.child import parameter_types as child_parameter_types  # noqa: F401 - registers the parameters of the sentences below
from beehave.child.run import ChildBehave
from beehave.faults.kinds import kinds


@given('the project "{name:Quoted}"')
def given_the_project(context, name):
    folder = context.world.cluster.folder / name
    context.child = ChildBehave.of_project(context.session, name, folder)


@given('the project "{name:Quoted}", where only the wheel of beehave is installed')
def given_an_installed_project(context, name):
    folder = context.world.cluster.folder / name
    context.child = ChildBehave.of_installed_project(context.session, name, folder)


@given('the run of its scenario "{scenario:Quoted}", in {fence:Fence}, has come to the line "{line:Quoted}"')
def given_a_run_under_way(context, scenario, fence, line):
    context.child.start([scenario], sandbox=fence)
    context.child.wait_for_line(line)


@when('behave runs its scenario "{scenario:Quoted}" in {fence:Fence}')
def when_a_scenario_runs(context, scenario, fence):
    context.child.start([scenario], sandbox=fence)
    context.child.wait()


@when('behave runs its scenario "{scenario:Quoted}" in {fence:Fence}, piped into `{reader}`')
def when_a_scenario_runs_into_a_pipe(context, scenario, fence, reader):
    context.child.start([scenario], sandbox=fence, reader=reader)
    context.child.wait()


@when('behave runs its scenarios "{first:Quoted}" and "{second:Quoted}" in {fence:Fence}')
def when_two_scenarios_run(context, first, second, fence):
    context.child.start([first, second], sandbox=fence)
    context.child.wait()


@when("behave runs it with `{options}`")
def when_it_runs_with(context, options):
    context.child.start([], sandbox="auto", options=options.split())
    context.child.wait()


@when("behave runs it as on a locked-down machine")
def when_it_runs_locked_down(context):
    context.child.start([], sandbox="auto", locked_down=True)
    context.child.wait()


@when("{number:Signal} is sent to its {part:Part}")
def when_a_signal_is_sent(context, number, part):
    context.child.send(number, to=part)
    context.child.wait()


@when('{number:Signal} is sent to its {part:Part}, and after the line "{line:Quoted}" once more')
def when_a_signal_is_sent_twice(context, number, part, line):
    context.child.send(number, to=part)
    context.child.send_again(number, to=part, after_line=line)
    context.child.wait()


@then("behave has exited with status {status:d}")
def then_exit_status(context, status):
    seen = context.child.status()
    assert seen == status, f"expected status {status}, got {seen}:\n{context.child.records.output()}"


@then("of these modules, {name:w} alone can be imported there")
def then_importable(context, name):
    found = [row["module"] for row in context.table if context.child.can_import(row["module"])]
    assert found == [name], f"expected {name} alone, these can be imported: {found}"


@then("each of these commands has exited with 0, and said")
def then_commands_have_said(context):
    ended = {(row["command"], row["words"]): context.child.run_beehave(row["command"]) for row in context.table}
    wrong = [(*each, *end) for each, end in ended.items() if end[0] != 0 or each[1] not in end[1]]
    assert not wrong, f"expected 0 and these words, (command, words, status, output) is: {wrong}"


@then("nothing of that run is alive")
def then_nothing_is_alive(context):
    alive = context.child.wait_until_nothing_is_alive()
    assert not alive, alive


@then('the line "{line:Quoted}" is there')
def then_a_line_is_there(context, line):
    lines = context.child.records.lines()
    assert line in lines, f"expected the line {line!r}, got {lines}:\n{context.child.records.output()}"


@then('the line "{line:Quoted}" is not there')
def then_a_line_is_not_there(context, line):
    lines = context.child.records.lines()
    assert line not in lines, f"the line {line!r} was written: {lines}"


@then('"{scenario:Quoted}" has {verdict:w}')
def then_a_scenario_has(context, scenario, verdict):
    statuses = context.child.records.statuses()
    expected = f"expected {scenario!r} {verdict}, got {statuses}"
    assert statuses.get(scenario) == verdict, f"{expected}:\n{context.child.records.output()}"


@then("its scenarios have ended like this")
def then_scenarios_have_ended(context):
    expected = {row["scenario"]: row["status"] for row in context.table}
    statuses = context.child.records.statuses()
    assert statuses == expected, f"expected {expected}, got {statuses}:\n{context.child.records.output()}"


@then("the run was drawn as {verdict:w}")
def then_the_report_says(context, verdict):
    seen = context.child.records.report_verdict()
    assert seen == verdict, f"the report says {seen}, expected {verdict}"


@then('behave has said "{text}"')
def then_behave_has_said(context, text):
    output = context.child.records.seen_output()
    assert text in output, f"expected {text!r} in the output:\n{output}"


@then('behave has not said "{text}"')
def then_behave_has_not_said(context, text):
    output = context.child.records.seen_output()
    assert text not in output, f"{text!r} is in the output:\n{output}"


@then("the leak is named as a {kind:w}, with its {details}")
def then_the_leak_is_named(context, kind, details):
    shown = context.child.records.leaks_shown(kind, details.split(" and "))
    assert len(shown) == 1, f"expected one {kind} with its {details}, got {shown}:\n{context.child.records.output()}"


@then('the JUnit file calls "{case:Quoted}" wrong, for "{reason}"')
def then_junit_says(context, case, reason):
    cases = context.child.records.junit()
    expected = f"expected {case!r} to have failed for {reason!r}, the JUnit files have {cases}"
    assert any(reason in problem for problem in cases.get(case, [])), expected


@then("each of these is skipped for its reason")
def then_skipped_with_reasons(context):
    reasons = context.child.records.skip_reasons()
    lacking = [row["capability"] for row in context.table if row["reason"] not in reasons.get(row["capability"], "")]
    assert not lacking, f"not skipped for the expected reason: {lacking} of {reasons}"


@then("each kind of fault is refused in its own words")
def then_faults_are_refused(context):
    expected = {row["fault"]: row["words"] for row in context.table}
    assert expected.keys() == kinds(), f"the table has {sorted(expected)}, harness/faults has {sorted(kinds())}"
    refusals = context.child.records.refusals()
    believed = [fault for fault, words in expected.items() if words not in refusals.get(fault, "")]
    assert not believed, f"not refused in these words: {believed} of {refusals}"
