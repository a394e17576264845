<?php
namespace Alpha\Beta; // marks: definition.module Alpha\Beta
use Gamma\Delta; // marks: import Gamma\Delta
require_once "lib.php"; // marks: import lib.php

const LIMIT = 3; // marks: definition.constant LIMIT
function helper(int $x): int { return strlen($x); } // marks: definition.function helper; reference.call strlen

abstract class Stack extends Base implements Shape { // marks: definition.class Stack; reference.implementation Base; reference.implementation Shape
    use Mixin; // marks: reference.implementation Mixin
    const MAX = 3; // marks: definition.constant MAX
    private array $items = []; // marks: definition.field items
    public function __construct(int $n) { parent::__construct($n); } // marks: definition.constructor __construct
    public function push($item): self { // marks: definition.method push
        $this->add(helper($item)); // marks: reference.call add; reference.call helper
        return new Thing(Other::make()); // marks: reference.call Thing; reference.call make
    }
}
interface Shape { public function area(): float; } // marks: definition.interface Shape; definition.method area
trait Mixin { } // marks: definition.trait Mixin
enum Color: string { // marks: definition.enum Color
    case Red = "r"; // marks: definition.variant Red
}
class StackTest extends TestCase { // marks: definition.class StackTest; reference.implementation TestCase
    public function testPush(): void { helper(1); } // marks: definition.method testPush; test testPush
}
