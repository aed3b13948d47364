"""Addresses of catalogue and orders; `/` is in the project's urls."""

from __future__ import annotations

from django.urls import path

from verifications.views import catalog, detail, history, order

app_name = "verifications"
urlpatterns = [
    path("services/", catalog.service_list, name="service-list"),
    path("services/<slug:slug>/", catalog.service_detail, name="service-detail"),
    path("verifications/", history.history, name="history"),
    path("verifications/orders.csv", history.history_csv, name="history-csv"),
    path("verifications/new/", order.order_new, name="order-new"),
    path("verifications/<uuid:verification_id>/", detail.detail, name="detail"),
    path("verifications/<uuid:verification_id>/cancel/", detail.cancel, name="cancel"),
    path("verifications/<uuid:verification_id>/another-sms/", detail.another_sms, name="another-sms"),
    path("verifications/<uuid:verification_id>/finish/", detail.finish, name="finish"),
]
