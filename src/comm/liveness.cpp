#include "comm/liveness.hpp"

#include <algorithm>

namespace headroom::comm {

namespace {

/// A longer time between two calls of update() means that the process was stopped, because every
/// rank runs several times a second even if many share a core.
constexpr std::chrono::seconds kSignGap{2};

/// These are fractions of the time after which a rank counts as silent.
constexpr int kAskAfter = 3;       ///< first question: after a third
constexpr int kAskAgainAfter = 15; ///< next question: a fifteenth after the last one

} // namespace

bool RunningTime::update(std::chrono::steady_clock::time_point now) {
    const auto passed = has_started_ ? now - last_ : std::chrono::nanoseconds(0);
    last_ = now;
    has_started_ = true;
    if (passed > kSignGap) {
        return false;
    }
    total_ += passed;
    return true;
}

void LivenessMonitor::begin_wait(const std::vector<int>& ranks, Nanoseconds silence) {
    silence_ = silence;
    peers_.clear();
    for (const int rank : ranks) {
        Peer peer;
        peer.rank = rank;
        peer.last_sign = peer.last_question = time_.total();
        peers_.push_back(peer);
    }
}

void LivenessMonitor::end_wait() {
    peers_.clear();
}

std::vector<int> LivenessMonitor::ranks_to_ask(std::chrono::steady_clock::time_point now) {
    const bool ran = time_.update(now);
    std::vector<int> ask;
    for (Peer& peer : peers_) {
        if (!ran) {
            peer.last_sign = time_.total();
        }
        if (silence_ > Nanoseconds(0) && silent_for(peer) >= silence_ / kAskAfter &&
            time_.total() - peer.last_question >= silence_ / kAskAgainAfter &&
            unanswered_.insert(peer.rank).second) {
            peer.last_question = time_.total();
            ask.push_back(peer.rank);
        }
    }
    return ask;
}

void LivenessMonitor::record_answer(int rank, const SignOfLife& sign) {
    unanswered_.erase(rank);
    for (Peer& peer : peers_) {
        if (peer.rank != rank) {
            continue;
        }
        if (!peer.has_answered || sign.progress != peer.last_answer.progress || sign.excused) {
            peer.last_sign = time_.total();
        }
        peer.has_answered = true;
        peer.last_answer = sign;
    }
}

std::vector<int> LivenessMonitor::silent_ranks() const {
    std::vector<int> silent;
    for (const Peer& peer : peers_) {
        if (silence_ > Nanoseconds(0) && silent_for(peer) >= silence_) {
            silent.push_back(peer.rank);
        }
    }
    return silent;
}

bool LivenessMonitor::any_excused() const {
    return std::ranges::any_of(peers_, [](const Peer& peer) {
        return peer.has_answered && peer.last_answer.excused;
    });
}

} // namespace headroom::comm
