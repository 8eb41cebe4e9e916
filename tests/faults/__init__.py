"""Breaking things while articles flow, on Apache Kafka: ``python -m tests.faults``."""
