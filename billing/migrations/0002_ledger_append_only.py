"""The rules that a single row cannot state: transfers are append-only, and a transfer fits its accounts and its hold."""

from __future__ import annotations

from django.db import migrations

# Statement triggers: an UPDATE or DELETE is refused whatever it would have matched.
REFUSE_CHANGES = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the ledger is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER billing_transfer_append_only BEFORE UPDATE OR DELETE ON billing_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER billing_transfer_no_truncate BEFORE TRUNCATE ON billing_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER billing_account_kept BEFORE DELETE ON billing_account
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
-- Fires only for an UPDATE that names one of these columns, so the ledger's own UPDATE does not pay for it.
CREATE TRIGGER billing_account_identity BEFORE UPDATE OF id, kind, code, currency, user_id ON billing_account
    FOR EACH ROW WHEN ((OLD.id, OLD.kind, OLD.code, OLD.currency, OLD.user_id)
        IS DISTINCT FROM (NEW.id, NEW.kind, NEW.code, NEW.currency, NEW.user_id))
    EXECUTE FUNCTION billing_refuse_change();
"""
ALLOW_CHANGES = """
DROP TRIGGER billing_account_identity ON billing_account;
DROP TRIGGER billing_account_kept ON billing_account;
DROP TRIGGER billing_transfer_no_truncate ON billing_transfer;
DROP TRIGGER billing_transfer_append_only ON billing_transfer;
DROP FUNCTION billing_refuse_change();
"""

CHECK_TRANSFERS = """
CREATE FUNCTION billing_check_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    debit record;
    credit record;
    hold record;
BEGIN
    SELECT kind, currency INTO debit FROM billing_account WHERE id = NEW.debit_account_id;
    SELECT kind, currency INTO credit FROM billing_account WHERE id = NEW.credit_account_id;
    IF debit.currency IS DISTINCT FROM credit.currency THEN
        RAISE EXCEPTION 'transfer between currencies % and %', debit.currency, credit.currency USING ERRCODE = 'check_violation';
    END IF;
    IF debit.kind = 'customer' AND credit.kind = 'customer' THEN
        RAISE EXCEPTION 'transfer from customer to customer' USING ERRCODE = 'check_violation';
    END IF;
    IF (debit.kind = 'customer' OR credit.kind = 'customer') <> (NEW.balance_after IS NOT NULL) THEN
        RAISE EXCEPTION 'a transfer carries the figures of its customer and only those' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind <> 'posted' AND debit.kind <> 'customer' THEN
        RAISE EXCEPTION 'a hold is on a customer''s account' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.pending_id IS NOT NULL THEN
        SELECT kind, amount, debit_account_id, credit_account_id INTO hold FROM billing_transfer WHERE sequence = NEW.pending_id;
        IF hold.kind IS DISTINCT FROM 'pending' OR hold.debit_account_id <> NEW.debit_account_id
                OR hold.credit_account_id <> NEW.credit_account_id THEN
            RAISE EXCEPTION 'a resolution names a hold between the same accounts' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.amount > hold.amount OR NEW.kind = 'void_pending' AND NEW.amount <> hold.amount THEN
            RAISE EXCEPTION 'a resolution of % does not fit a hold of %', NEW.amount, hold.amount USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_transfer_fits BEFORE INSERT ON billing_transfer
    FOR EACH ROW EXECUTE FUNCTION billing_check_transfer();
"""
LEAVE_TRANSFERS = """
DROP TRIGGER billing_transfer_fits ON billing_transfer;
DROP FUNCTION billing_check_transfer();
"""
# A balance is updated in place, in room left on its page, so that no index is touched (HOT).
LEAVE_ROOM = "ALTER TABLE billing_account SET (fillfactor = 50)"
LEAVE_NO_ROOM = "ALTER TABLE billing_account RESET (fillfactor)"


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_ledger")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGES, ALLOW_CHANGES),
        migrations.RunSQL(CHECK_TRANSFERS, LEAVE_TRANSFERS),
        migrations.RunSQL(LEAVE_ROOM, LEAVE_NO_ROOM),
    ]
