"""One HTML page that shows a whole run, made from its recording alone: film, joints, plan, latencies, faults."""
