#include "cli/launch/lost_rank.hpp"

#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "cli/launch/process_status.hpp"

namespace headroom::cli {

namespace {

bool process_exists(pid_t process) {
    return kill(process, 0) == 0 || errno != ESRCH;
}

} // namespace

void LostRank::find_ranks() {
    searched_ = true;
    for (const pid_t process : descendants(mpirun_)) {
        if (const auto rank = rank_of(process)) {
            ranks_found_.push_back({*rank, process});
        }
    }
    if (ranks_found_.size() != ranks_) {
        ranks_found_.clear(); // some run on other hosts or have already ended
    }
}

void LostRank::check_ranks() {
    if (!searched_) {
        find_ranks();
    }
    if (!lost_.empty()) {
        return;
    }
    for (const Rank& rank : ranks_found_) {
        if (!process_exists(rank.process)) {
            lost_.push_back(rank);
        }
    }
    if (lost_.size() == ranks_found_.size()) {
        lost_.clear(); // all ended together: none was the first
    }
}

std::string LostRank::text() const {
    std::string text;
    for (const Rank& rank : lost_) {
        text += fmt::format(
            "{}device {} (process {})", text.empty() ? "" : ", ", rank.device, rank.process
        );
    }
    return text.empty() ? "a rank" : text;
}

} // namespace headroom::cli
