// Bookkeeping of silence.
#include "comm/vigil.hpp"

#include <algorithm>

namespace headroom::comm {

namespace {

/// Between two looks: even a host with many ranks per core lets each run several times a second.
constexpr std::chrono::seconds kSignGap{2};

/// Of the time after which a rank is silent.
constexpr int kAskAfter = 3;       ///< one part in so many goes by before it is asked
constexpr int kAskAgainAfter = 15; ///< if it answers but does not move

} // namespace

bool RunningTime::look(std::chrono::steady_clock::time_point now) {
    const auto passed = begun_ ? now - last_ : std::chrono::nanoseconds(0);
    last_ = now;
    begun_ = true;
    if (passed > kSignGap) {
        return false;
    }
    total_ += passed;
    return true;
}

void Vigil::begin(const std::vector<int>& ranks, Nanoseconds silence) {
    silence_ = silence;
    peers_.clear();
    for (const int rank : ranks) {
        Peer peer;
        peer.rank = rank;
        peer.heard = peer.asked = time_.total();
        peers_.push_back(peer);
    }
}

void Vigil::end() {
    peers_.clear();
}

std::vector<int> Vigil::look(std::chrono::steady_clock::time_point now) {
    const bool ran = time_.look(now);
    std::vector<int> ask;
    for (Peer& peer : peers_) {
        if (!ran) {
            peer.heard = time_.total();
        }
        if (silence_ > Nanoseconds(0) && quiet(peer) >= silence_ / kAskAfter &&
            time_.total() - peer.asked >= silence_ / kAskAgainAfter &&
            owing_.insert(peer.rank).second) {
            peer.asked = time_.total();
            ask.push_back(peer.rank);
        }
    }
    return ask;
}

void Vigil::hear(int rank, const Sign& sign) {
    owing_.erase(rank);
    for (Peer& peer : peers_) {
        if (peer.rank != rank) {
            continue;
        }
        if (!peer.answered || sign.moved != peer.last.moved || sign.excused) {
            peer.heard = time_.total();
        }
        peer.answered = true;
        peer.last = sign;
    }
}

std::vector<int> Vigil::silent() const {
    std::vector<int> silent;
    for (const Peer& peer : peers_) {
        if (silence_ > Nanoseconds(0) && quiet(peer) >= silence_) {
            silent.push_back(peer.rank);
        }
    }
    return silent;
}

bool Vigil::excused() const {
    return std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
        return peer.answered && peer.last.excused;
    });
}

} // namespace headroom::comm
