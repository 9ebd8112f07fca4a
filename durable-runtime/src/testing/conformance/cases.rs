//! The list of all cases: the one place that names each.

use super::{
    Case, cancel_safety, children, claims, clients, commits, concurrency, damage, deaths, deletion,
    leases, listing, mail, parking, payloads, reads, reopening, repeats, room, starts,
};

/// Hands the list of cases to a macro, after what else it needs.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ([$($callback:tt)+] ($($argument:tt)*)) => {
        $($callback)+! {
            ($($argument)*)
            starts {
                a_new_run_is_pending_and_due_at_once
                a_run_started_for_a_worker_is_running_and_not_claimable
                a_row_says_what_the_start_said
                the_same_id_again_changes_nothing_and_tells_what_is_there
                an_existing_run_tells_its_parent
                the_same_id_twice_in_a_batch_starts_one_run
                a_batch_mixes_new_and_existing_runs
                numbers_grow_in_the_order_of_the_starts
                an_ended_run_keeps_its_id
                seeds_of_any_size_are_kept
                an_empty_batch_is_nothing
                ids_that_look_alike_are_different
                a_parent_is_loaded_with_its_child
            }
            mail {
                an_id_and_a_number_reach_the_same_run
                mail_for_nobody_is_reported
                mailboxes_are_read_together_and_only_what_is_new
                mail_for_an_ended_run_is_refused
                a_run_that_is_rolled_back_takes_nothing_that_would_have_no_effect
                mail_keeps_its_order_within_a_batch_and_across
                numbers_grow_at_one_run
                mail_for_an_owned_run_says_so
                mail_makes_a_waiting_run_due_at_once
                mail_for_a_pending_run_waits_for_its_first_claim
                mail_reaches_a_run_of_the_same_batch
                every_kind_of_mail_is_loaded_as_it_was_sent
                consumed_mail_is_gone_and_the_rest_stays
                mail_that_is_not_consumed_is_loaded_again
                mail_of_another_run_cannot_be_consumed
                mail_sent_again_after_it_was_consumed_is_new
                unread_mail_is_told_to_its_owner
            }
            room {
                a_signal_beyond_the_bound_is_refused
                of_a_batch_with_signals_beyond_the_bound_nothing_is_written
                signals_for_a_run_of_the_same_batch_are_counted_too
                a_batch_that_has_filled_a_mailbox_is_known_when_it_comes_again
                a_batch_that_was_refused_for_want_of_room_was_not_written
                a_run_that_takes_no_signals_says_so_though_its_mailbox_is_full
                senders_that_send_once_are_counted
                signals_sent_at_once_pass_the_bound_by_their_number_at_the_most
            }
            commits {
                events_are_appended_in_order
                a_status_is_set_and_the_owner_kept
                a_stale_epoch_writes_nothing
                a_journal_that_is_shorter_than_a_commit_says_takes_nothing
                a_run_that_had_the_number_before_writes_nothing
                another_worker_writes_nothing
                an_epoch_from_the_future_writes_nothing
                an_unknown_run_is_lost
                a_released_run_takes_no_commit
                an_ended_run_takes_no_commit
                a_reaped_run_takes_no_commit
                a_repeated_commit_succeeds_and_changes_nothing
                a_repeated_end_succeeds
                a_repeated_release_without_events_succeeds
                other_events_at_a_taken_position_are_refused
                a_commit_that_leaves_a_gap_is_refused
                a_refused_commit_writes_no_part_of_itself
                a_refused_commit_does_not_disturb_its_batch
                batches_of_any_length_are_written_whole
                a_commit_without_an_update_leaves_the_row_alone
                an_ending_frees_the_run_whatever_it_asked_for
            }
            clients {
                what_a_client_starts_is_due_at_once_for_any_worker
                what_a_client_sends_reaches_its_run
                mail_of_a_client_is_written_once
                mail_of_a_client_is_settled
                an_old_batch_of_a_client_writes_nothing
                clients_do_not_stand_in_for_each_other
                what_a_client_sent_last_is_remembered_for_days
            }
            repeats {
                a_start_sent_again_is_the_same_start
                a_start_sent_again_after_a_claim_is_not
                a_start_for_another_worker_is_not_the_same
                mail_sent_again_under_its_batch_arrives_once
                mail_sent_again_after_it_was_consumed_does_not_come_back
                the_next_batch_of_a_worker_is_new
                batches_of_different_workers_are_different
                a_batch_that_was_written_is_settled
                a_batch_that_is_settled_before_it_comes_writes_no_mail
                mail_without_a_batch_id_is_always_new
                a_batch_is_known_after_its_worker_was_reaped
                a_batch_without_mail_between_does_not_hide_it
                mail_sent_again_to_a_run_that_has_ended_is_told
                a_commit_sent_again_tells_of_its_children_as_at_first
                a_commit_sent_again_after_reaping_was_still_written
                strays_of_a_lost_claim_are_given_back
                strays_are_only_the_workers_own
                residents_may_be_many
            }
            claims {
                a_claim_bumps_the_epoch_and_begins_a_pending_run
                a_claim_keeps_every_other_status
                a_claim_loads_the_whole_run
                runs_come_longest_due_first
                a_limit_is_kept_and_the_rest_stays_due
                a_limit_of_zero_takes_nothing
                a_run_is_claimed_by_itself_if_it_may_be
                nothing_is_taken_before_its_time
                the_next_due_time_is_told
                without_a_waiting_run_nothing_is_due_next
                an_owned_run_is_not_claimed_again
                a_claim_takes_fewer_runs_when_they_are_large
                an_unregistered_worker_takes_nothing
                a_wait_without_end_is_never_due
                a_worker_takes_what_it_can_drive
                a_workflow_that_nobody_can_drive_is_anybodys
                workflows_take_turns_by_their_due_times
            }
            leases {
                worker_numbers_are_never_used_again
                a_lease_is_renewed_until_it_is_reaped
                a_lease_ends_after_its_last_instant
                a_lease_is_ended_unless_it_was_renewed
                reaping_frees_exactly_the_runs_of_dead_workers
                a_reaped_worker_cannot_come_back
                retiring_frees_what_the_worker_owns
                retiring_a_stranger_does_nothing
                a_run_of_an_unregistered_worker_is_freed
                a_freed_run_goes_on_at_the_next_epoch
                reaping_twice_frees_nothing_more
            }
            deaths {
                each_worker_that_dies_with_a_run_is_counted
                a_run_that_got_further_counts_anew
                a_run_that_was_let_go_of_counts_anew
                a_parked_run_keeps_its_count
                retiring_and_releasing_strays_count_nothing
                a_worker_has_one_suspect_on_trial
                a_trial_ends_when_the_run_is_let_go_of
                a_trial_ends_when_the_journal_grows
                only_the_run_on_trial_is_blamed
                a_suspect_leaves_the_others_their_turn
            }
            deletion {
                a_deleted_run_takes_all_that_is_its_own_along
                the_number_of_a_deleted_run_is_not_used_again
                a_commit_of_a_deleted_run_is_lost_and_the_others_are_not
                a_journal_that_was_there_before_its_run_parks_it
            }
            parking {
                a_parked_run_says_why_and_is_not_due
                a_new_worker_takes_every_parked_run_and_nothing_else
                a_worker_does_not_try_again_what_it_has_parked
                a_parked_run_that_went_on_may_be_tried_by_all_again
                parked_runs_are_taken_by_number_up_to_the_limit
                a_retired_worker_takes_no_parked_run
                a_revived_run_is_running_and_its_reason_gone
                a_signal_does_not_wake_a_parked_run
                a_cancellation_wakes_a_parked_run
                what_abandons_a_rollback_wakes_a_parked_run
                a_run_parked_in_its_rollback_takes_nothing_that_would_have_no_effect
                mail_to_a_run_that_its_batch_parks_in_its_rollback
                mail_for_a_parked_run_is_kept
                a_cancellation_that_was_not_seen_wakes_on_parking
                a_signal_that_was_not_seen_does_not_wake_on_parking
                nothing_wakes_a_paused_run
                mail_that_was_not_seen_wakes_on_release
                mail_that_was_seen_does_not_wake_on_release
                a_parked_run_is_tried_by_those_who_can_drive_it
            }
            children {
                a_child_starts_with_its_parents_commit
                a_childs_id_that_is_taken_is_told
                children_are_listed_oldest_first
                a_childs_end_reaches_a_waiting_parent
                a_childs_end_reaches_an_owned_parent
                mail_of_a_commit_for_nobody_is_dropped
                a_commit_reaches_the_child_it_starts
                a_child_that_ends_while_its_parent_is_released_wakes_it
                mail_after_a_release_of_the_same_batch_wakes_whatever_was_seen
                mail_for_a_run_that_ends_in_the_same_batch
                many_children_in_one_commit
                a_signal_from_a_commit_arrives
            }
            reads {
                a_run_is_found_by_id_and_by_number
                what_is_not_there_is_not_found
                a_read_sees_what_was_acknowledged
                reading_changes_nothing
                a_mailbox_shows_what_is_not_consumed
                an_ended_run_has_an_empty_mailbox_and_its_journal
                a_row_tells_when_it_changed
                a_worker_is_told_where_its_runs_stand
            }
            listing {
                an_empty_database_has_one_empty_page
                runs_come_newest_first
                pages_cover_everything_once
                a_full_last_page_says_that_it_is_the_last
                a_new_run_does_not_shift_the_pages
                a_status_filters
                several_statuses_are_alternatives
                a_workflow_filters_by_its_whole_name
                filters_hold_across_pages
                a_page_shows_what_a_read_shows
                the_children_of_a_run_are_listed
            }
            payloads {
                an_empty_payload_is_kept
                a_mebibyte_is_kept
                every_byte_is_kept
                every_plane_of_unicode_is_kept
                json_is_kept_as_it_was_written
                ids_and_workflows_may_look_like_sql
                names_and_reasons_may_look_like_sql
                a_reason_may_hold_any_character
                an_id_with_a_nul_is_nobodys
                a_deep_childs_long_id_is_kept
                the_longest_id_of_a_child_can_be_indexed
                every_kind_of_event_is_kept
                a_rich_failure_of_a_child_is_kept
                events_without_a_step_are_kept
                times_are_kept_to_the_microsecond
                a_large_batch_of_large_payloads_is_written
            }
            concurrency {
                each_run_is_claimed_by_one_worker
                an_id_is_taken_once
                of_two_commits_at_one_position_one_is_written
                a_take_over_sees_exactly_what_was_acknowledged
                mail_from_everywhere_arrives_once_each
                mail_that_races_with_a_release_wakes
                a_reader_always_sees_a_whole_prefix
                batches_in_opposite_orders_do_not_block_each_other
                two_workers_write_to_each_others_runs
                workers_register_at_once_with_different_numbers
            }
            cancel_safety {
                a_dropped_batch_is_whole_or_nothing
                a_dropped_commit_is_whole_or_nothing
                a_dropped_claim_loses_no_run
                a_dropped_read_leaves_the_store_usable
                dropped_worker_calls_leave_the_store_usable
                dropped_calls_do_not_block_others
            }
            reopening {
                everything_is_there_after_reopening
                a_run_goes_on_after_reopening
                runs_of_a_dead_process_come_free
                numbers_go_on_after_reopening
                closing_waits_for_what_is_in_flight
                two_processes_see_each_others_writes
                a_second_process_does_not_take_over_a_living_one
            }
            damage {
                a_journal_with_a_gap_parks_its_run
                a_journal_without_its_beginning_parks_its_run
                an_unknown_event_parks_its_run
                unknown_mail_parks_its_run
                an_unknown_status_parks_its_run
                a_damaged_journal_is_an_error_to_read
            }
        }
    };
}

macro_rules! table {
    (() $($group:ident { $($case:ident)* })*) => {
        /// Every case, in the order of the groups.
        pub const CASES: &[Case] = &[
            $($(Case {
                name: concat!(stringify!($group), "::", stringify!($case)),
                start: |fixture| Box::pin($group::$case(fixture)),
            },)*)*
        ];
    };
}

__conformance_cases!([table]());

/// Makes one `#[test]` of each case of the [store conformance suite](crate::testing::conformance), in
/// a module with the given name: `conformance_tests!(memory, BACKEND);`. The second argument names a
/// constant, a static or a unit struct of the calling module that implements
/// [`Backend`](crate::testing::conformance::Backend).
#[macro_export]
macro_rules! conformance_tests {
    ($module:ident, $backend:ident) => {
        $crate::__conformance_cases!([$crate::__conformance_module]($module, $backend));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_module {
    // The names are repeated as one token tree: a group's cases all use the one backend.
    (($module:ident, $backend:ident) $($group:ident $cases:tt)*) => {
        mod $module {
            $($crate::__conformance_group!($backend $group $cases);)*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_group {
    ($backend:ident $group:ident { $($case:ident)* }) => {
        mod $group {
            $(
                #[test]
                fn $case() {
                    let name = concat!(stringify!($group), "::", stringify!($case));
                    $crate::testing::conformance::run(&super::super::$backend, name);
                }
            )*
        }
    };
}
