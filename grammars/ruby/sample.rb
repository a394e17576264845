require "json" # marks: import json
require_relative "alpha/beta" # marks: import alpha/beta

module Outer # marks: definition.module Outer
  LIMIT = 3 # marks: definition.constant LIMIT

  class Stack < Base # marks: definition.class Stack; reference.implementation Base
    include Enumerable # marks: reference.call include
    attr_reader :items, :size # marks: definition.method :items; definition.method :size

    def initialize(n) # marks: definition.constructor initialize
      @items = Array.new(n) # marks: reference.call new
    end

    def push(item) # marks: definition.method push
      helper(item) # marks: reference.call helper
      self
    end

    def self.make # marks: definition.method make
      new(1) # marks: reference.call new
    end

    def ==(other) # marks: definition.method ==
      true
    end
  end

  class Outer::Inner; end # marks: definition.class Inner
end

def helper(x) # marks: definition.method helper
  x
end

RSpec.describe Stack do
  describe "#push" do # marks: test #push
    it "adds" do # marks: test adds
      expect(Stack.make.push(1)).to eq(1) # marks: reference.call make
    end
  end
end

class StackTest < Minitest::Test # marks: definition.class StackTest; reference.implementation Test
  def test_push # marks: definition.method test_push; test test_push
  end
end
