"""The answers to the shop's questions, worked out from the records of its topics by plain loops."""

import collections
import decimal

import topics

DAY_MICROS = 86_400_000_000
DELIVERY_WINDOW = 7 * DAY_MICROS
SIGNUP_AGE = 3 * DAY_MICROS


class Model:
    def __init__(self, tables, records):
        """`records`: of each table's topic, in the order of the topic."""
        messages = {name: [tables[name].message_class.FromString(record.value) for record in records[name]]
                    for name in ("registrations", "orders", "deliveries", "payments")}
        self.zone = tables["payments"].zone
        self.registrations = messages["registrations"]
        self.payments = messages["payments"]
        self.orders = {order.order_id: order for order in messages["orders"]}
        self.registered = {registration.user_id: registration for registration in messages["registrations"]}
        self.delivered = self.match(messages["deliveries"])

    def match(self, deliveries):
        """{order: its first delivery within the window}."""
        delivered = {}
        for delivery in deliveries:
            order = self.orders.get(delivery.order_id)
            if order is None:
                continue
            at = topics.micros(delivery.delivered_at)
            if 0 <= at - topics.micros(order.ordered_at) <= DELIVERY_WINDOW:
                delivered[delivery.order_id] = min(at, delivered.get(delivery.order_id, at))
        return delivered

    def day(self, micros):
        return topics.instant(micros).astimezone(self.zone).date().isoformat()

    def payments_by(self, key):
        """{key of a payment: (how many, sum)}."""
        sums = collections.defaultdict(lambda: (0, decimal.Decimal("0.00")))
        for payment in self.payments:
            count, amount = sums[key(payment)]
            sums[key(payment)] = (count + 1, amount + decimal.Decimal(payment.amount_cents).scaleb(-2))
        return sums

    def payments_by_date(self):
        return sorted([count, str(amount)] for count, amount in self.payments_by(lambda p: self.day(topics.micros(p.paid_at))).values())

    def sales_made(self):
        sales = self.payments_by(lambda p: (self.day(topics.micros(p.paid_at)), p.currency))
        return sorted([date, currency, count, str(amount)] for (date, currency), (count, amount) in sales.items())

    def people_registered(self):
        days = collections.Counter(self.day(topics.micros(r.registered_at)) for r in self.registrations)
        return sorted([date, count] for date, count in days.items())

    def buyers_of_t_shirts(self):
        shirts, buyers = collections.Counter(), collections.defaultdict(set)
        for order_id, delivered_at in self.delivered.items():
            order = self.orders[order_id]
            registration = self.registered.get(order.user_id)
            if order.category != "t-shirt" or registration is None:
                continue
            registered_at, ordered_at = topics.micros(registration.registered_at), topics.micros(order.ordered_at)
            if registered_at <= max(ordered_at, delivered_at) and ordered_at - registered_at >= SIGNUP_AGE:
                shirts[registration.country] += 1
                buyers[registration.country].add(order.user_id)
        return sorted([country, len(buyers[country]), count] for country, count in shirts.items())

    def deliveries_pending(self):
        return [[len(self.orders) - len(self.delivered)]]

    def deliveries_executed(self, today):
        return [[sum(self.day(at) == today for at in self.delivered.values())]]

    def answers(self, today):
        """By the names of the page's blocks."""
        return {"payments-by-date": self.payments_by_date(), "sales-made": self.sales_made(),
                "people-registered": self.people_registered(), "buyers-of-t-shirts": self.buyers_of_t_shirts(),
                "deliveries-pending": self.deliveries_pending(), "deliveries-executed-today": self.deliveries_executed(today)}
