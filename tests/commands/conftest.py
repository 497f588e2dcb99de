from fake_service import fake_service

__all__ = ["fake_service"]
