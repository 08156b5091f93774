"""OWASP ASVS 5.0.0 at level 2: for each requirement the tests that prove it, or why it is not ours to prove.

Requirements are those of levels 1 and 2, by their numbers in the standard. What a document must say, the README says.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.test import Client

from facets.conf import current_table
from facets.core.store import Table

ROOT = Path(__file__).resolve().parents[2]

ACCESS = "hdeadmin/accounts"

# Tests by their files under tests/, without `.py`.
PROVED: dict[str, list[str]] = {
    # V1 Encoding and sanitization
    "1.1.1": ["facets/test_converters::test_any_text_survives_the_way"],
    "1.1.2": ["facets/views/test_entity::test_hostile_text_anywhere_is_only_text"],
    "1.2.1": [
        "facets/views/test_entity::test_hostile_text_anywhere_is_only_text",
        "facets/definitions/test_display::test_visible_text_can_always_be_sent_to_a_browser",
    ],
    "1.2.2": [
        "facets/test_converters::test_every_id_opens_by_its_link",
        "facets/entities/test_metadata::test_without_a_pattern_any_number_goes_and_cannot_leave_its_place",
        "hdeadmin/test_env::test_a_bad_value_stops_the_start_and_is_named_but_not_repeated",
    ],
    "1.2.3": ["facets/core/test_json::test_text_is_compact_and_keeps_the_order_of_its_keys"],
    "1.2.4": ["facets/core/test_contract::test_ids_of_every_kind_are_kept_apart_and_read_back"],
    "1.3.2": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "1.3.3": [
        "facets/views/test_hostile_payloads::test_no_page_of_an_entity_is_taken_down_by_what_one_record_holds"
    ],
    "1.3.6": [f"{ACCESS}/test_sso::test_a_browser_cannot_choose_what_the_provider_is_asked"],
    "1.3.7": [
        "facets/definitions/test_masking::test_a_sentence_masks_what_is_sensitive_and_what_is_made_of_it"
    ],
    "1.3.11": [f"{ACCESS}/test_invitations::test_what_is_no_e_mail_is_refused"],
    "1.4.2": [
        "facets/views/test_hostile_payloads::test_no_page_of_an_entity_is_taken_down_by_what_one_record_holds"
    ],
    "1.5.2": ["facets/changes/test_preview_token::test_a_promise_altered_at_any_place_is_refused"],
    # V2 Validation and business logic
    "2.2.1": [
        "facets/views/test_append::test_a_mistake_is_shown_at_its_field_and_nothing_typed_is_lost",
        "facets/management/test_loaditems::test_what_says_that_it_is_hdes_and_is_not_is_refused",
        "facets/lists/test_filters::test_no_address_breaks_it_and_its_own_address_asks_the_same",
    ],
    "2.2.2": ["facets/views/test_append::test_an_altered_promise_writes_nothing"],
    "2.2.3": ["facets/views/test_append::test_what_a_rule_refuses_is_said_at_the_event_that_caused_it"],
    "2.3.1": [
        "facets/views/test_append::test_a_forged_confirmation_writes_nothing_and_keeps_the_draft",
        "facets/views/test_append::test_a_draft_that_differs_from_its_preview_writes_nothing",
        "facets/views/test_append::test_somebody_elses_confirmation_writes_nothing",
    ],
    "2.3.2": ["facets/core/test_contract::test_an_append_of_101_records_is_refused"],
    "2.3.3": [
        "facets/core/test_contract::test_a_writer_at_another_seq_changes_nothing",
        "facets/changes/test_recovery::test_a_process_that_is_killed_leaves_what_can_be_settled",
    ],
    "2.3.4": [
        "facets/core/test_concurrency::test_of_writers_that_saw_the_same_seq_exactly_one_lands",
        "facets/views/test_append::test_a_confirmation_that_is_sent_twice_appends_once",
    ],
    "2.4.1": [
        "hdeadmin/test_ratelimit::test_the_search_box_is_limited_and_says_when_to_go_on",
        "hdeadmin/test_ratelimit::test_workers_that_ask_at_once_let_no_more_through",
    ],
    # V3 Web frontend security
    "3.2.1": ["facets/views/test_entity::test_a_record_can_be_read_just_as_it_is_stored"],
    "3.2.2": ["facets/views/test_entity::test_hostile_text_anywhere_is_only_text"],
    "3.3.1": [f"{ACCESS}/test_sessions::test_over_https_browsers_take_the_cookies_from_this_host_only"],
    "3.3.2": [f"{ACCESS}/test_sessions::test_over_https_browsers_take_the_cookies_from_this_host_only"],
    "3.3.3": [f"{ACCESS}/test_sessions::test_over_https_browsers_take_the_cookies_from_this_host_only"],
    "3.3.4": [f"{ACCESS}/test_sessions::test_a_cookie_ends_with_the_browser_and_script_cannot_read_it"],
    "3.4.1": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "3.4.2": ["hdeadmin/test_headers::test_no_other_site_may_read_an_answer"],
    "3.4.3": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "3.4.4": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "3.4.5": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "3.4.6": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "3.5.1": ["facets/views/test_append::test_a_form_from_another_site_is_refused"],
    "3.5.2": ["facets/views/test_append::test_a_form_from_another_site_is_refused"],
    "3.5.3": ["facets/views/test_matrix::test_every_person_meets_the_expected_answer"],
    "3.7.1": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "3.7.2": [
        f"{ACCESS}/test_password::test_going_on_leads_to_our_own_pages_only",
        "hdeadmin/test_security::test_signing_in_and_choosing_a_theme_lead_nowhere_else",
    ],
    # V4 Web service
    "4.1.1": ["hdeadmin/test_headers::test_an_answer_says_what_it_is_and_in_which_characters"],
    "4.1.2": ["hdeadmin/test_headers::test_pages_go_to_https_and_probes_are_answered"],
    "4.1.3": [
        "hdeadmin/test_http::test_without_a_proxy_of_ours_the_header_says_nothing",
        "hdeadmin/test_logging::test_a_proxys_id_is_kept_if_it_is_our_proxys_and_harmless",
    ],
    # V5 Files: nothing is uploaded; these are given out.
    "5.4.1": ["facets/views/test_entity::test_a_record_can_be_read_just_as_it_is_stored"],
    # V6 Authentication
    "6.2.1": [f"{ACCESS}/test_password::test_a_weak_password_is_refused_and_says_why"],
    "6.2.2": [
        f"{ACCESS}/test_password::test_changing_the_password_takes_the_present_one_and_ends_other_sessions"
    ],
    "6.2.3": [
        f"{ACCESS}/test_password::test_changing_the_password_takes_the_present_one_and_ends_other_sessions"
    ],
    "6.2.4": [f"{ACCESS}/test_password::test_a_weak_password_is_refused_and_says_why"],
    "6.2.5": [f"{ACCESS}/test_password::test_a_long_password_of_any_characters_is_taken_whole"],
    "6.2.6": ["hdeadmin/test_asvs::test_boxes_for_passwords_hide_them_and_take_them_from_a_manager"],
    "6.2.7": ["hdeadmin/test_asvs::test_boxes_for_passwords_hide_them_and_take_them_from_a_manager"],
    "6.2.8": [f"{ACCESS}/test_password::test_a_long_password_of_any_characters_is_taken_whole"],
    "6.2.9": [f"{ACCESS}/test_password::test_a_long_password_of_any_characters_is_taken_whole"],
    "6.2.10": ["hdeadmin/test_asvs::test_a_password_stays_good_for_years"],
    "6.2.11": ["hdeadmin/test_asvs::test_a_password_made_of_words_of_this_place_is_refused"],
    "6.2.12": ["hdeadmin/test_asvs::test_passwords_that_were_stolen_often_are_refused"],
    "6.3.1": [
        f"{ACCESS}/test_password::test_five_wrong_passwords_refuse_the_right_one_for_five_minutes",
        f"{ACCESS}/test_password::test_an_address_that_guesses_at_many_names_is_stopped",
        f"{ACCESS}/test_password::test_workers_that_are_asked_at_once_let_no_more_guesses_through",
    ],
    "6.3.2": ["hdeadmin/test_asvs::test_nobody_is_there_after_migrating"],
    "6.3.3": [
        f"{ACCESS}/test_factors::test_whoever_may_write_or_administer_does_nothing_before_they_have_a_second_factor"
    ],
    "6.3.4": [
        f"{ACCESS}/test_factors::test_django_admin_is_no_way_round_it",
        f"{ACCESS}/test_sso::test_the_second_factor_is_ours_unless_the_provider_tells_of_one",
    ],
    "6.4.1": [
        f"{ACCESS}/test_invitations::test_a_link_opens_once",
        f"{ACCESS}/test_invitations::test_a_link_is_over_after_three_days",
    ],
    "6.4.2": [f"{ACCESS}/test_password::test_nobody_signs_up_and_no_page_sends_passwords"],
    "6.4.3": [f"{ACCESS}/test_factors::test_a_new_password_is_no_way_round_it"],
    "6.4.4": [f"{ACCESS}/test_people::test_a_new_link_and_a_reset_factor_end_what_was_there"],
    "6.5.1": [
        f"{ACCESS}/test_factors::test_a_code_opens_once_and_in_its_own_half_minute",
        f"{ACCESS}/test_factors::test_a_recovery_code_opens_once_and_is_shown_once",
    ],
    "6.5.2": [f"{ACCESS}/test_factors::test_secrets_are_kept_encrypted_under_a_key_that_can_be_changed"],
    "6.5.3": [f"{ACCESS}/test_factors::test_new_recovery_codes_end_the_old_ones"],
    "6.5.4": [f"{ACCESS}/test_factors::test_a_recovery_code_opens_once_and_is_shown_once"],
    "6.5.5": [f"{ACCESS}/test_factors::test_a_code_opens_once_and_in_its_own_half_minute"],
    "6.8.1": [
        f"{ACCESS}/test_sso::test_the_same_subject_of_another_issuer_is_another_person",
        f"{ACCESS}/test_sso::test_an_identity_takes_over_no_account_that_has_its_e_mail",
    ],
    "6.8.2": [f"{ACCESS}/test_sso::test_a_token_without_a_signature_by_a_key_pair_is_refused"],
    "6.8.4": [f"{ACCESS}/test_sso::test_the_second_factor_is_ours_unless_the_provider_tells_of_one"],
    # V7 Sessions
    "7.2.1": [f"{ACCESS}/test_sessions::test_signing_out_leaves_nothing_that_the_cookie_opens"],
    "7.2.2": [f"{ACCESS}/test_sessions::test_the_key_of_a_session_changes_when_somebody_signs_in"],
    "7.2.3": ["hdeadmin/test_asvs::test_the_key_of_a_session_cannot_be_guessed"],
    "7.2.4": [f"{ACCESS}/test_sessions::test_the_key_of_a_session_changes_when_somebody_signs_in"],
    "7.3.1": [f"{ACCESS}/test_sessions::test_half_an_hour_without_a_request_ends_a_session"],
    "7.3.2": [f"{ACCESS}/test_sessions::test_twelve_hours_end_a_session_whatever_is_done_in_it"],
    "7.4.1": [f"{ACCESS}/test_sessions::test_signing_out_leaves_nothing_that_the_cookie_opens"],
    "7.4.2": [f"{ACCESS}/test_people::test_who_is_disabled_is_out_at_the_next_request"],
    "7.4.3": [
        f"{ACCESS}/test_password::test_changing_the_password_takes_the_present_one_and_ends_other_sessions",
        f"{ACCESS}/test_sessions::test_a_person_sees_their_sessions_and_ends_one_or_all_others",
    ],
    "7.4.4": ["hdeadmin/test_asvs::test_every_page_has_the_way_out"],
    "7.4.5": [
        f"{ACCESS}/test_people::test_sessions_are_ended",
        f"{ACCESS}/test_sessions::test_an_administrator_signs_everybody_out",
    ],
    "7.5.1": [f"{ACCESS}/test_factors::test_changing_factors_takes_a_fresh_proof_and_the_factor_itself"],
    "7.5.2": [
        f"{ACCESS}/test_sessions::test_a_person_sees_their_sessions_and_ends_one_or_all_others",
        f"{ACCESS}/test_sessions::test_ending_sessions_takes_a_fresh_proof",
    ],
    "7.6.1": [f"{ACCESS}/test_sessions::test_twelve_hours_end_a_session_whatever_is_done_in_it"],
    "7.6.2": [f"{ACCESS}/test_sso::test_an_answer_to_another_browser_or_a_second_time_is_refused"],
    # V8 Authorization
    "8.2.1": ["facets/views/test_matrix::test_every_person_meets_the_expected_answer"],
    "8.2.2": [
        "facets/views/test_matrix::test_a_facet_that_may_not_be_viewed_answers_as_one_that_does_not_exist"
    ],
    "8.2.3": [
        "facets/views/test_reveal::test_values_are_masked_and_the_page_says_how_to_see_them",
        "facets/views/test_reveal::test_without_the_right_the_control_says_so_and_a_request_is_refused_and_recorded",
    ],
    "8.3.1": [
        "facets/views/test_matrix::test_every_person_meets_the_expected_answer",
        "facets/views/test_append::test_a_right_that_was_taken_away_meanwhile_writes_nothing",
    ],
    # V9 Self-contained tokens: the provider's, and what a preview promises
    "9.1.1": [
        f"{ACCESS}/test_sso::test_a_signature_of_another_key_is_refused",
        "facets/changes/test_preview_token::test_a_promise_altered_at_any_place_is_refused",
    ],
    "9.1.2": [f"{ACCESS}/test_sso::test_a_token_without_a_signature_by_a_key_pair_is_refused"],
    "9.1.3": [f"{ACCESS}/test_sso::test_a_token_of_a_key_that_the_provider_does_not_have_is_refused"],
    "9.2.1": [
        f"{ACCESS}/test_sso::test_a_token_that_is_not_for_us_now_is_refused",
        "facets/changes/test_preview_token::test_a_promise_is_refused_an_hour_after_its_preview",
    ],
    "9.2.2": ["facets/changes/test_preview_token::test_what_was_signed_for_another_purpose_is_refused"],
    "9.2.3": [f"{ACCESS}/test_sso::test_a_token_that_is_not_for_us_now_is_refused"],
    # V10 OAuth and OpenID Connect, as a client
    "10.1.1": [f"{ACCESS}/test_sso::test_no_token_and_no_secret_is_kept_or_shown"],
    "10.1.2": [f"{ACCESS}/test_sso::test_an_answer_to_another_browser_or_a_second_time_is_refused"],
    "10.2.1": [f"{ACCESS}/test_sso::test_the_provider_is_asked_with_pkce_a_nonce_and_a_state"],
    "10.5.1": [f"{ACCESS}/test_sso::test_a_token_that_is_not_for_us_now_is_refused"],
    "10.5.2": [f"{ACCESS}/test_sso::test_the_same_subject_of_another_issuer_is_another_person"],
    "10.5.3": [f"{ACCESS}/test_sso::test_a_provider_that_calls_itself_otherwise_is_not_asked"],
    "10.5.4": [f"{ACCESS}/test_sso::test_a_token_that_is_not_for_us_now_is_refused"],
    # V11 Cryptography
    "11.2.2": [
        f"{ACCESS}/test_factors::test_secrets_are_kept_encrypted_under_a_key_that_can_be_changed",
        "hdeadmin/audit/test_verify::test_entries_of_an_earlier_key_are_good_while_it_is_named",
    ],
    "11.3.3": [f"{ACCESS}/test_factors::test_secrets_are_kept_encrypted_under_a_key_that_can_be_changed"],
    "11.4.1": ["hdeadmin/test_asvs::test_no_broken_hash_is_used_anywhere"],
    "11.4.2": ["hdeadmin/test_security::test_passwords_are_kept_by_argon2"],
    "11.4.3": ["hdeadmin/audit/test_verify::test_an_entry_made_with_another_key"],
    "11.5.1": ["hdeadmin/test_asvs::test_the_key_of_a_session_cannot_be_guessed"],
    "11.6.1": ["hdeadmin/audit/test_anchors::test_an_anchor_of_anothers_making_is_none"],
    # V13 Configuration
    "13.2.2": [
        "facets/views/test_iam::test_all_that_the_console_does_needs_exactly_what_the_role_allows",
        "facets/views/test_iam::test_the_role_is_of_one_table_and_writes_in_transactions_only",
    ],
    "13.2.3": ["hdeadmin/test_env::test_a_server_must_be_told_its_key_its_store_and_its_hosts"],
    "13.2.4": ["facets/views/test_iam::test_no_line_of_the_code_names_another_method_of_a_dynamodb_client"],
    "13.4.2": [
        "hdeadmin/test_env::test_a_server_that_is_told_starts_with_debug_off",
        "hdeadmin/test_env::test_djangos_own_check_for_deployment_finds_nothing",
    ],
    "13.4.3": ["hdeadmin/test_headers::test_no_folder_is_listed_and_nobody_is_told_what_they_sent"],
    "13.4.4": ["hdeadmin/test_headers::test_no_folder_is_listed_and_nobody_is_told_what_they_sent"],
    "13.4.5": ["hdeadmin/test_health::test_a_table_that_is_gone_is_named_without_details"],
    # V14 Data protection
    "14.2.1": [
        "facets/views/test_reveal::test_no_address_reveals",
        "hdeadmin/test_logging::test_a_line_holds_no_id_no_search_no_cookie_and_no_password",
    ],
    "14.2.2": ["facets/directory/test_writer::test_keeps_nothing_that_is_masked"],
    "14.2.3": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "14.2.4": [
        "facets/definitions/test_masking::test_masking_hides_all_below_a_path_and_keeps_all_else",
        "facets/views/test_reveal::test_a_reason_reveals_them_on_that_page_and_is_on_record",
    ],
    "14.3.1": [
        "hdeadmin/test_headers::test_every_answer_bears_the_headers",
        "hdeadmin/test_headers::test_no_script_keeps_anything_in_the_browser_but_choices",
    ],
    "14.3.2": ["hdeadmin/test_headers::test_every_answer_bears_the_headers"],
    "14.3.3": ["hdeadmin/test_headers::test_no_script_keeps_anything_in_the_browser_but_choices"],
    # V15 Secure coding and architecture
    "15.2.2": [
        "hdeadmin/test_ratelimit::test_the_search_box_is_limited_and_says_when_to_go_on",
        "facets/views/test_entity::test_a_page_of_a_long_history_stays_quick",
    ],
    "15.2.3": ["hdeadmin/test_env::test_the_demos_facets_are_defined_in_the_demo_only"],
    "15.3.1": ["facets/views/test_reveal::test_values_are_masked_and_the_page_says_how_to_see_them"],
    "15.3.2": [f"{ACCESS}/test_sso::test_a_provider_that_calls_itself_otherwise_is_not_asked"],
    "15.3.3": [f"{ACCESS}/test_people::test_django_admin_changes_names_and_groups_and_nothing_else"],
    "15.3.4": ["hdeadmin/test_http::test_our_proxies_are_believed_and_nobody_before_them"],
    "15.3.5": ["facets/core/test_attacks::test_a_row_that_others_wrote_in_other_types_is_named"],
    "15.3.7": ["facets/views/test_append::test_a_draft_that_differs_from_its_preview_writes_nothing"],
    # V16 Logging and errors
    "16.2.1": [
        "hdeadmin/test_logging::test_a_request_is_one_line_with_who_what_and_how_long",
        "hdeadmin/audit/test_log::test_a_request_says_who_from_where_and_in_which_session",
    ],
    "16.2.2": ["hdeadmin/test_logging::test_a_request_is_one_line_with_who_what_and_how_long"],
    "16.2.3": ["hdeadmin/test_logging::test_everybodys_loggers_go_the_same_way_and_none_tells_what_it_sends"],
    "16.2.4": ["hdeadmin/test_logging::test_whatever_an_id_holds_a_request_stays_one_line"],
    "16.2.5": [
        "hdeadmin/test_logging::test_a_line_holds_no_id_no_search_no_cookie_and_no_password",
        "hdeadmin/test_logging::test_an_error_is_told_by_type_and_place_and_never_by_a_message_that_may_quote_a_value",
    ],
    "16.3.1": [
        f"{ACCESS}/test_password::test_who_comes_in_goes_and_fails_is_on_record_without_what_they_typed"
    ],
    "16.3.2": [
        f"{ACCESS}/test_people::test_who_may_not_administer_is_refused_and_it_is_on_record",
        "facets/views/test_reveal::test_without_the_right_the_control_says_so_and_a_request_is_refused_and_recorded",
    ],
    "16.3.3": [
        "facets/views/test_on_record::test_an_altered_confirmation_is_on_record",
        "facets/views/test_on_record::test_a_confirmation_that_is_sent_again_is_on_record",
    ],
    "16.3.4": ["hdeadmin/test_logging::test_why_the_database_does_not_answer_is_told"],
    "16.4.1": ["hdeadmin/test_logging::test_whatever_an_id_holds_a_request_stays_one_line"],
    "16.4.2": [
        "hdeadmin/audit/test_triggers::test_what_is_on_record_stays",
        "hdeadmin/audit/test_verify::test_a_field_that_was_altered",
    ],
    "16.4.3": ["hdeadmin/audit/test_export::test_the_whole_trail_is_exported_and_verified"],
    "16.5.1": [
        "hdeadmin/test_error_views::test_a_fault_has_a_page_that_needs_no_database_and_tells_no_secret",
        "hdeadmin/test_headers::test_every_answer_bears_the_headers",
    ],
    "16.5.2": [
        "hdeadmin/test_outage::test_a_database_that_is_gone_is_said_so_and_comes_back_without_a_restart",
        "facets/views/test_failures::test_a_table_that_does_not_answer_is_a_503_and_pages_come_back_with_it",
    ],
    "16.5.3": [
        "facets/views/test_on_record::test_where_the_intent_cannot_be_recorded_the_table_is_not_touched_and_the_draft_is_kept",
        f"{ACCESS}/test_password::test_where_the_trail_cannot_be_written_nobody_comes_in",
    ],
}

# What a document must say: words of the README.
DOCUMENTED = {
    "2.1.1": "What you write is a",
    "2.1.2": "one that raises refuses the event",
    "2.1.3": "100 records and 4 MB",
    "6.1.1": "Five wrong answers refuse even the right one",
    "6.1.2": "more than the words that anybody would try here",
    "6.1.3": "**Single sign-on** works with any OpenID Connect provider",
    "7.1.1": "ends after 30 minutes without a request and 12 hours after it began",
    "7.1.2": "A person may have several",
    "7.1.3": "anew at each sign-in",
    "8.1.1": "A right is an action that a group is granted",
    "8.1.2": "**Sensitive values**",
    "13.1.1": "The role that the console runs under needs this and no more",
    "14.1.1": "sensitive_fields",
    "14.1.2": "they are shown on that page only",
    "15.1.3": "searching is limited to 60 times in 20 seconds",
    "16.1.1": "Each request is one line of JSON on standard error",
}

# A requirement, or a section or chapter of them, and why there is nothing for us to prove.
OUTSIDE = {
    "1.2.5": "no command of the system is run for a request",
    "1.2.6": "no LDAP",
    "1.2.7": "no XPath",
    "1.2.8": "no LaTeX",
    "1.2.9": "no pattern is made of what somebody typed",
    "1.3.1": "no HTML is taken",
    "1.3.4": "no SVG is taken",
    "1.3.5": "no Markdown, style sheet or template is taken",
    "1.3.8": "no JNDI",
    "1.3.9": "no memcache",
    "1.3.10": "sentences are formatted from definitions, which are code",
    "1.4.1": "no memory is managed by hand",
    "1.4.3": "no memory is managed by hand",
    "1.5.1": "no XML",
    "3.5.4": "which host the console has is for who runs it",
    "3.5.5": "no postMessage",
    "4.2": "messages are framed by the web server",
    "4.3": "no GraphQL",
    "4.4": "no WebSocket",
    "5.1": "nothing is uploaded",
    "5.2": "nothing is uploaded",
    "5.3": "nothing is uploaded",
    "5.4.2": "names of files are the console's own",
    "5.4.3": "nothing is uploaded",
    "6.6": "no codes by telephone or e-mail",
    "6.7": "level 3",
    "6.8.3": "no SAML",
    "8.4": "one console, one company",
    "9.2.4": "no token is issued to others",
    "10.2.2": "one provider",
    "10.3": "no resource server",
    "10.4": "no authorization server",
    "10.5.5": "no back-channel logout; a session lasts 12 hours at most",
    "10.6": "no provider of identities",
    "10.7": "no consent to manage",
    "11.1": "the keys are named in the README; their policy is for who runs the console",
    "11.2.1": "Python's hashlib and hmac, and the cryptography package",
    "11.2.3": "SHA-256, Ed25519, AES-128 with HMAC, and ECDSA and RSA of the provider's",
    "11.3.1": "no block mode is chosen here",
    "11.3.2": "no cipher is chosen here; Fernet is AES in CBC mode with HMAC",
    "12": "TLS ends at a proxy of who runs the console; HTTPS is required of browsers by the headers",
    "13.2.1": "credentials are AWS's own short-lived ones, or those of the database, by the environment",
    "13.2.5": "for who runs the server",
    "13.3": "secrets come by the environment, from whatever keeps them there",
    "13.4.1": "the image copies named folders only",
    "15.1.1": "for who runs the console",
    "15.1.2": "requirements.txt names every package with its hash",
    "15.2.1": "for who runs the console",
    "15.3.6": "no object is filled with keys from elsewhere",
    "17": "no WebRTC",
}

# Numbers of levels 1 and 2 in each section of the standard.
LEVEL_2 = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 3, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
    "17.1": 1, "17.2": 4, "17.3": 1,
}  # fmt: skip


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("number", PROVED)
def test_a_requirement_that_is_proved_names_tests_that_are_there(number: str):
    for name in PROVED[number]:
        file, _, test = name.partition("::")
        assert test in names_in(file), name


def test_every_requirement_of_level_2_has_its_answer():
    numbers = [f"{section}.{place}" for section, most in LEVEL_2.items() for place in range(1, most + 1)]
    answered = {**PROVED, **DOCUMENTED, **OUTSIDE}

    unanswered = [
        number
        for number in numbers
        if not {number, number.rpartition(".")[0], number.split(".")[0]} & answered.keys()
    ]

    assert unanswered == []
    assert not PROVED.keys() & OUTSIDE.keys()


def test_what_a_document_must_say_the_readme_says():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())

    assert {number: words for number, words in DOCUMENTED.items() if words not in readme} == {}


# What has no file of its own.


@pytest.fixture
def ledger(settings, tmp_path: Path) -> Table:
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    current_table().create()
    return current_table()


def test_boxes_for_passwords_hide_them_and_take_them_from_a_manager(db: None, client: Client):
    signing_in = client.get("/login/").text
    client.force_login(User.objects.create_user("ada", password="correct horse battery"))
    changing = client.get("/account/password/").text

    for page, manager in (
        (signing_in, {"current-password"}),
        (changing, {"current-password", "new-password"}),
    ):
        boxes = [tag for tag in re.findall(r"<input[^>]*>", page) if re.search(r'name="(old)?password', tag)]
        assert boxes
        assert all('type="password"' in tag for tag in boxes)
        assert {tag.split('autocomplete="')[1].split('"')[0] for tag in boxes} == manager


def test_a_password_stays_good_for_years(db: None, client: Client):
    with time_machine.travel("2020-01-01T12:00Z"):
        User.objects.create_user("ada", password="correct horse battery")

    with time_machine.travel("2029-01-01T12:00Z"):
        answer = client.post("/login/", {"login": "ada", "password": "correct horse battery"})

    assert answer.status_code == 302


@pytest.mark.parametrize("password", ["hdeadmin-hdeadmin", "Testserver2026!", "hdeadmin.example.9"])
def test_a_password_made_of_words_of_this_place_is_refused(settings, password: str):
    settings.ALLOWED_HOSTS = ["testserver", "hdeadmin.example.com"]

    with pytest.raises(ValidationError, match="everybody would try here"):
        validate_password(password)
    validate_password("hdeadmin opens at the crooked gate")


@pytest.mark.parametrize(
    "password", ["q1w2e3r4t5y6", "Iloveyou12345!", "!!!!qwerty1234", "monkey2monkey2", "SUNSHINESUNSHINE"]
)
def test_passwords_that_were_stolen_often_are_refused(password: str):
    with pytest.raises(ValidationError, match="too common"):
        validate_password(password)
    validate_password("a monkey in the sunshine")


def test_nobody_is_there_after_migrating(db: None):
    assert not User.objects.exists()


def test_the_key_of_a_session_cannot_be_guessed(db: None):
    """32 characters of 36 are 165 bits; drawn by `secrets`."""
    keys = set()
    for _ in range(20):
        session = SessionStore()
        session.create()
        keys.add(session.session_key)

    assert len(keys) == 20
    assert all(re.fullmatch("[a-z0-9]{32}", key) for key in keys)


def test_every_page_has_the_way_out(db: None, client: Client, ledger: Table):
    client.force_login(User.objects.create_superuser("root"))

    for url in ("/", "/facets/ORDER/", "/facets/ORDER/append/", "/account/", "/people/", "/nope"):
        assert 'action="/logout/"' in client.get(url).text, url


def test_no_broken_hash_is_used_anywhere():
    for package in ("hdeadmin", "facets"):
        for source in (ROOT / package).rglob("*.py"):
            assert not re.search(r"\b(md5|sha1)\b", source.read_text(encoding="utf-8"), re.IGNORECASE), source
