"""What is noticed, and who hears of it: log groups, alarms, dashboards, topics, queues and rules."""
