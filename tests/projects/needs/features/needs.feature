Feature: One scenario for each capability

  @needs.user_namespaces
  Scenario: user_namespaces
    Given a step

  @needs.pid_namespace
  Scenario: pid_namespace
    Given a step

  @needs.network_namespace
  Scenario: network_namespace
    Given a step

  @needs.kernel_network
  Scenario: kernel_network
    Given a step

  @needs.mount_tmpfs
  Scenario: mount_tmpfs
    Given a step

  @needs.cgroup_memory
  Scenario: cgroup_memory
    Given a step

  @needs.openai
  Scenario: openai
    Given a step

  @needs.uvloop
  Scenario: uvloop
    Given a step

  Scenario: no needs
    Given a step
