"""What CloudWatch notices and who hears of it: `log_group`, `alarm`, `dashboard`, `topic`, `queue` and `event_rule`."""
