#include "cli/launch/lost_rank.hpp"

#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "cli/launch/process_look.hpp"

namespace headroom::cli {

namespace {

bool is_there(pid_t process) {
    return kill(process, 0) == 0 || errno != ESRCH;
}

} // namespace

void LostRank::find() {
    looked_ = true;
    for (const pid_t process : descendants(mpirun_)) {
        if (const auto rank = rank_of(process)) {
            all_.push_back({*rank, process});
        }
    }
    if (all_.size() != ranks_) {
        all_.clear(); // some run elsewhere, or have ended: who is lost cannot be told
    }
}

void LostRank::look() {
    if (!looked_) {
        find();
    }
    if (!lost_.empty()) {
        return;
    }
    for (const Rank& rank : all_) {
        if (!is_there(rank.process)) {
            lost_.push_back(rank);
        }
    }
    if (lost_.size() == all_.size()) {
        lost_.clear(); // all at once
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
